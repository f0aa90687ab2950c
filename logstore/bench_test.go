package logstore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"hotpod.dev/logstore"
)

// BenchmarkAppend stores batches of a thousand lines of many pods.
func BenchmarkAppend(b *testing.B) {
	db, err := logstore.Open(b.Context(), filepath.Join(b.TempDir(), "logs.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	l, err := logstore.NewLines(b.Context(), db)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		var batch logstore.Batch
		for range 1000 {
			n++
			one := line(source(fmt.Sprint("f", n%200), fmt.Sprint("p", n%200)), time.Duration(n)*time.Microsecond, "INFO: the line that functions wrote, as long as lines are, with an id and a user=1")
			one.RequestID = fmt.Sprint("request-", n/3)
			batch.Lines = append(batch.Lines, one)
		}
		if err := l.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}
