package kubetest

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Compact makes etcd forget what was before a resourceVersion: lists at such a version, and watches from it, are answered 410 by a
// server whose APIServerFlags have --watch-cache=false.
func (s *Server) Compact(ctx context.Context, resourceVersion string) error {
	revision, err := strconv.ParseUint(resourceVersion, 10, 64)
	if err != nil {
		return fmt.Errorf("resourceVersion %q is no revision of etcd: %w", resourceVersion, err)
	}
	conn, err := grpc.NewClient("unix://"+filepath.Join(s.dir, "etcd.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to etcd: %w", err)
	}
	defer conn.Close()
	// A CompactionRequest: its first field is the revision, the second asks to wait until it is done.
	request := protowire.AppendTag(nil, 1, protowire.VarintType)
	request = protowire.AppendVarint(request, revision)
	request = protowire.AppendTag(request, 2, protowire.VarintType)
	request = protowire.AppendVarint(request, 1)
	in := &emptypb.Empty{}
	in.ProtoReflect().SetUnknown(request)
	if err := conn.Invoke(ctx, "/etcdserverpb.KV/Compact", in, &emptypb.Empty{}); err != nil {
		return fmt.Errorf("compact etcd: %w", err)
	}
	return nil
}
