package autoscaler

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/shard"
)

func TestAutoscaler_TwoShardsServeEachFunctionOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		shards := make([]*world, 2)
		for i := range shards {
			w := newWorld(t)
			w.config.Shard = shard.Shard{Index: i, Of: len(shards)}
			go func() { ended <- w.Run(ctx, w.pool) }()
			shards[i] = w
		}
		const functions = 100
		for n := range functions { // each is told all, as the watch does
			f := hello(func(f *v1.Function) {
				f.Name, f.UID = fmt.Sprint("f", n), types.UID(fmt.Sprint("uid-", n))
				f.Spec.InvokeStrategy.ExecutionStrategy.MinScale = 1
			})
			for _, w := range shards {
				w.SetFunction(f)
			}
		}
		for _, w := range shards {
			w.Synced()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		served := map[string]int{}
		for _, w := range shards {
			claims, _, _ := w.pool.count()
			if claims < functions/4 {
				t.Errorf("shard %s made %d of %d claims", w.config.Shard, claims, functions)
			}
			for _, held := range w.pool.hot {
				served[held.Function.UID]++
			}
		}
		for n := range functions {
			if uid := fmt.Sprint("uid-", n); served[uid] != 1 {
				t.Errorf("%s has %d pods", uid, served[uid])
			}
		}
		cancel()
		for range shards {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAutoscaler_AnswersWhoTakesItForAnotherShard(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		w.config.Shard = shard.Shard{Index: 1 - shard.Of(string(f.UID), 2), Of: 2}
		act := w.serving(f)
		act.waits(f, 1)
		w.pass(time.Second)
		if p := act.last(); p.Failure == nil || !strings.Contains(p.Failure.Message, "numbers of shards differ") {
			t.Errorf("answered with %+v", p)
		}
		w.wantPool(0, 0, 0)
		if known, _ := w.count(); known != 0 {
			t.Errorf("%d functions of another shard are known", known)
		}
	})
}
