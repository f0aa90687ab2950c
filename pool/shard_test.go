package pool

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotpod.dev/shard"
	"hotpod.dev/wire"
)

func TestConfig_EachPodHasExactlyOneShard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "shards")
		labels := map[string]string{}
		if rapid.Bool().Draw(t, "was made by a shard") {
			labels[wire.LabelShard] = rapid.SampledFrom([]string{"0", "1", "5", "63", "-1", "x"}).Draw(t, "maker")
		}
		function := ""
		if rapid.Bool().Draw(t, "holds a function") {
			function = rapid.StringN(1, 10, -1).Draw(t, "function")
			labels[wire.LabelFunctionUID] = function
		}
		owners := 0
		for i := range n {
			c := Config{Shard: shard.Shard{Index: i, Of: n}}
			if !c.owns(labels) {
				continue
			}
			owners++
			if function != "" && !c.Shard.Has(function) {
				t.Fatalf("%v belongs to shard %s, its function does not", labels, c.Shard)
			}
		}
		if owners != 1 {
			t.Fatalf("%v belongs to %d of %d shards", labels, owners, n)
		}
	})
}

func TestPool_AShardKeepsItsPartAndLeavesTheRestAlone(t *testing.T) {
	bubble(t, func(w *world) {
		w.stop()
		w.pool.cfg.Shard = shard.Shard{Index: 1, Of: 2}
		w.run()
		w.pool.SetEnvironment(environmentOf("node", 5))
		w.pool.Synced()
		w.settle(time.Second)
		w.warm("ns/node", 2) // the other shard has three
		for _, p := range w.live()[wire.StateWarm] {
			if maker := p.pod.Labels[wire.LabelShard]; maker != "1" {
				w.t.Errorf("%s says that shard %q made it", p.pod.Name, maker)
			}
		}
		other := w.live()[wire.StateWarm][0].pod.DeepCopy()
		other.Labels[wire.LabelShard] = "0"
		foreign, err := w.CreatePod(w.t.Context(), other)
		if err != nil {
			w.t.Fatal(err)
		}
		w.settle(time.Minute)
		w.warm("ns/node", 2)
		if w.look(string(foreign.UID)).deleted {
			w.t.Error("the pod of another shard was deleted")
		}
	})
}
