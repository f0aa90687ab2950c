package shard

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Most is the largest number of shards.
const Most = 64

// Shard is one of Of shards, counted from 0. The zero value is the only one there is.
type Shard struct {
	Index, Of int
}

var errForm = errors.New("a shard is given as i/n: 0/2 is the first of two")

// Parse reads the form "i/n". Empty means that there is only one.
func Parse(s string) (Shard, error) {
	if s == "" {
		return Shard{}, nil
	}
	index, of, ok := strings.Cut(s, "/")
	if !ok {
		return Shard{}, errForm
	}
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	switch {
	case err != nil || err2 != nil:
		return Shard{}, errForm
	case n < 1 || n > Most:
		return Shard{}, fmt.Errorf("there are 1 to %d shards, not %d", Most, n)
	case i < 0 || i >= n:
		return Shard{}, fmt.Errorf("of %d shards the last is %d, there is no %d", n, n-1, i)
	}
	return Shard{Index: i, Of: n}, nil
}

// String returns the form that Parse reads.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, max(s.Of, 1)) }

// Alone says that there is no other shard.
func (s Shard) Alone() bool { return s.Of <= 1 }

// Has says whether the shard serves the function of that UID. Of all shards exactly one does.
func (s Shard) Has(uid string) bool { return Of(uid, s.Of) == s.Index }

// Part returns how many of the pods of a pool are this shard's: the parts differ by one at most, and no shard is left
// without any, so that there are more in all when there are fewer than shards.
func (s Shard) Part(pods int) int {
	if s.Alone() || pods <= 0 {
		return pods
	}
	part := pods / s.Of
	if s.Index < pods%s.Of {
		part++
	}
	return max(part, 1)
}

// Of returns the shard, 0 to n-1, that serves the function of that UID. When a shard is added behind the last, functions
// move to it, an equal part from each, and none moves between the others.
func Of(uid string, n int) int {
	if n <= 1 {
		return 0
	}
	// Jump consistent hash, https://arxiv.org/abs/1406.2294.
	key := hash(uid)
	b, j := int64(-1), int64(0)
	for j < int64(n) {
		b = j
		key = key*2862933555777941757 + 1
		j = int64(float64(b+1) * (float64(int64(1)<<31) / float64((key>>33)+1)))
	}
	return int(b)
}

// hash is FNV-1a with its bits mixed: it must stay what it is, as programs of two versions have to agree.
func hash(s string) uint64 {
	f := fnv.New64a()
	_, _ = f.Write([]byte(s))
	h := f.Sum64()
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
