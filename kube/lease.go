package kube

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hotpod.dev/leader"
)

// Lease is the lock of an election: a Lease object, which "kubectl get lease" shows.
type Lease struct {
	leases *Client[*coordinationv1.Lease, *coordinationv1.LeaseList]
	name   string
}

var _ leader.Lock = (*Lease)(nil)

// NewLease returns the lock of that name; the object is made by the first Write.
func NewLease(clients *Clients, namespace, name string) *Lease {
	return &Lease{leases: clients.Leases(namespace), name: name}
}

// Read implements leader.Lock.
func (l *Lease) Read(ctx context.Context) (leader.Record, error) {
	found, err := l.leases.Get(ctx, l.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return leader.Record{}, nil
	}
	if err != nil {
		return leader.Record{}, fmt.Errorf("read lease %s: %w", l.name, err)
	}
	return recordOf(found), nil
}

// Write implements leader.Lock.
func (l *Lease) Write(ctx context.Context, r leader.Record) (leader.Record, error) {
	now, seconds := metav1.NowMicro(), int32(r.Term/time.Second) //nolint:gosec // seconds, not years
	object := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: l.name, ResourceVersion: r.Version},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &r.Holder, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}
	var err error
	if r.Version == "" {
		object, err = l.leases.Create(ctx, object, metav1.CreateOptions{FieldManager: FieldOwner})
	} else {
		object, err = l.leases.Update(ctx, object, metav1.UpdateOptions{FieldManager: FieldOwner})
	}
	switch {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err) && r.Version != "":
		return leader.Record{}, leader.ErrConflict
	case err != nil:
		return leader.Record{}, fmt.Errorf("write lease %s: %w", l.name, err)
	}
	return recordOf(object), nil
}

func recordOf(l *coordinationv1.Lease) leader.Record {
	r := leader.Record{Version: l.ResourceVersion}
	if l.Spec.HolderIdentity != nil {
		r.Holder = *l.Spec.HolderIdentity
	}
	if l.Spec.LeaseDurationSeconds != nil {
		r.Term = time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second
	}
	return r
}
