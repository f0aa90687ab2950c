package main

import (
	"context"

	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// codes is the store as the pool asks it: for the newest code that is known of a package.
type codes struct {
	*kube.CodeStore
}

// Code implements pool.Codes.
func (c codes) Code(ctx context.Context, packageKey string) (wire.Code, error) {
	return c.CodeStore.Code(ctx, packageKey, "")
}
