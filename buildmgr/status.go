package buildmgr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
)

const (
	// maxMessage bounds a condition's message.
	maxMessage = 1024
	// writeFor is how long a write is tried again while the API server does not take it.
	writeFor   = time.Minute
	writePause = 250 * time.Millisecond
)

// errSuperseded ends a build that is not wanted any more: its package is gone, or another.
var errSuperseded = errors.New("the package has changed since")

// records are the packages as the API server has them.
type records struct {
	clients *kube.Clients
}

// get returns the package of that UID, its literals included.
func (r records) get(ctx context.Context, key kube.Key, uid types.UID) (*v1.Package, error) {
	p, err := r.clients.Packages(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && (p.UID != uid || p.DeletionTimestamp != nil):
		return nil, errSuperseded
	case err != nil:
		return nil, fmt.Errorf("read package %s: %w", key, err)
	}
	return p, nil
}

// write changes a package by change and put, until the API server takes it. change may refuse.
func (r records) write(ctx context.Context, key kube.Key, uid types.UID, change func(*v1.Package) error,
	put func(context.Context, *v1.Package) (*v1.Package, error),
) (*v1.Package, error) {
	for deadline := time.Now().Add(writeFor); ; {
		p, err := r.get(ctx, key, uid)
		if err == nil {
			if err := change(p); err != nil {
				return nil, err
			}
			p, err = put(ctx, p)
		}
		switch {
		case err == nil:
			return p, nil
		case errors.Is(err, errSuperseded), apierrors.IsInvalid(err), apierrors.IsForbidden(err), time.Now().After(deadline):
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(writePause):
		}
	}
}

// status changes the status of a package.
func (r records) status(ctx context.Context, key kube.Key, uid types.UID, change func(*v1.PackageStatus, int64)) (*v1.Package, error) {
	return r.write(ctx, key, uid, func(p *v1.Package) error {
		change(&p.Status, p.Generation)
		p.Status.LastUpdateTimestamp = metav1.Now()
		return nil
	}, func(ctx context.Context, p *v1.Package) (*v1.Package, error) {
		return r.clients.Packages(key.Namespace).UpdateStatus(ctx, p, metav1.UpdateOptions{FieldManager: kube.FieldOwner})
	})
}

// deployment sets what was built, if the package still is what it was built from.
func (r records) deployment(ctx context.Context, key kube.Key, uid types.UID, still func(*v1.Package) bool, built v1.Archive) error {
	_, err := r.write(ctx, key, uid, func(p *v1.Package) error {
		if !still(p) {
			return errSuperseded
		}
		p.Spec.Deployment = built
		return nil
	}, func(ctx context.Context, p *v1.Package) (*v1.Package, error) {
		return r.clients.Packages(key.Namespace).Update(ctx, p, metav1.UpdateOptions{FieldManager: kube.FieldOwner})
	})
	return err
}

// condition makes BuildSucceeded.
func condition(status metav1.ConditionStatus, reason, message string) metav1.Condition {
	if len(message) > maxMessage {
		message = message[:maxMessage-3] + "..."
	}
	return metav1.Condition{Type: v1.ConditionBuildSucceeded, Status: status, Reason: reason, Message: message}
}

// say sets a condition, dating it when its status is another.
func say(s *v1.PackageStatus, c metav1.Condition, generation int64) {
	c.ObservedGeneration, c.LastTransitionTime = generation, metav1.Now()
	i := slices.IndexFunc(s.Conditions, func(have metav1.Condition) bool { return have.Type == c.Type })
	if i < 0 {
		s.Conditions = append(s.Conditions, c)
		return
	}
	if s.Conditions[i].Status == c.Status {
		c.LastTransitionTime = s.Conditions[i].LastTransitionTime
	}
	s.Conditions[i] = c
}
