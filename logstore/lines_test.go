package logstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotpod.dev/internal/postgrestest"
	"hotpod.dev/logstore"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 123456789, time.UTC)

// behaviours hold for every database; each test gets an empty one.
func behaviours() map[string]func(t *testing.T, dsn string) {
	return map[string]func(t *testing.T, dsn string){
		"Lines_ComeBackAsTheyWere":                  linesComeBackAsTheyWere,
		"Find_Chooses":                              findChooses,
		"Append_TakesManyLinesWithHowFarStreamsAre": appendTakesManyLinesWithHowFarStreamsAre,
		"Claimed_GivesLinesSinceThenToTheFunction":  claimedGivesLinesSinceThenToTheFunction,
		"Prune_KeepsWhatIsWithinBounds":             pruneKeepsWhatIsWithinBounds,
		"Write_LeavesNothingOfWhatFails":            writeLeavesNothingOfWhatFails,
		"Migrate_RunsEachStepOnce":                  migrateRunsEachStepOnce,
	}
}

func TestSQLite(t *testing.T) {
	for name, test := range behaviours() {
		t.Run(name, func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "new", "logs.db")) })
	}
}

func TestPostgres(t *testing.T) {
	server := postgrestest.Start(t)
	for name, test := range behaviours() {
		t.Run(name, func(t *testing.T) { test(t, server.Database(t)) })
	}
}

func open(t *testing.T, dsn string) (*logstore.DB, *logstore.Lines) {
	t.Helper()
	db, err := logstore.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	lines, err := logstore.NewLines(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return db, lines
}

func source(function, pod string) logstore.Source {
	s := logstore.Source{
		Namespace: "default", Function: function, Environment: "node", PodNamespace: "fission-function", Pod: pod, PodUID: "uid-" + pod, Container: "node",
	}
	if function != "" {
		s.FunctionUID, s.Generation = "uid-of-"+function, 3
	}
	return s
}

func line(s logstore.Source, after time.Duration, text string) logstore.Line {
	return logstore.Line{Source: s, Time: noon.Add(after), Text: text}
}

func put(t *testing.T, l *logstore.Lines, lines ...logstore.Line) {
	t.Helper()
	if err := l.Append(t.Context(), logstore.Batch{Lines: lines}); err != nil {
		t.Fatal(err)
	}
}

func texts(t *testing.T, l *logstore.Lines, q logstore.Query) string {
	t.Helper()
	found, err := l.All(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, line := range found {
		all = append(all, line.Text)
	}
	return strings.Join(all, " ")
}

func linesComeBackAsTheyWere(t *testing.T, dsn string) {
	t.Helper()
	db, l := open(t, dsn)
	want := line(source("hello", "p1"), 0, "Traceback: ä\n  at x\n  at y")
	want.Level, want.RequestID, want.TraceID = 17, "r-1", "4bf92f3577b34da6a3ce929d0e0e4736"
	want.Later = []time.Duration{time.Microsecond, -time.Nanosecond}
	put(t, l, want)
	_ = db.Close()
	_, l = open(t, dsn)
	got, err := l.All(t.Context(), logstore.Query{Namespace: "default", Function: "hello"})
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	want.ID = got[0].ID
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
}

func findChooses(t *testing.T, dsn string) {
	t.Helper()
	_, l := open(t, dsn)
	a, b, warm := source("a", "p1"), source("b", "p2"), source("", "p1")
	set := func(l logstore.Line, level int, request string) logstore.Line {
		l.Level, l.RequestID, l.TraceID = level, request, "t-"+request
		return l
	}
	put(t, l, line(warm, 0, "start"), set(line(a, 3, "a3"), 17, "r1"), set(line(a, 1, "a1"), 5, "r2"), set(line(a, 2, "a2"), 0, "r1"),
		set(line(b, 2, "b2"), 13, "r1"))
	for name, c := range map[string]struct {
		q    logstore.Query
		want string
	}{
		"all":         {logstore.Query{}, "start a1 a2 b2 a3"},
		"function":    {logstore.Query{Namespace: "default", Function: "a"}, "a1 a2 a3"},
		"other name":  {logstore.Query{Namespace: "other", Function: "a"}, ""},
		"environment": {logstore.Query{Namespace: "default", Environment: "node"}, "start"},
		"newest":      {logstore.Query{Namespace: "default", Function: "a", Limit: 2}, "a2 a3"},
		"since until": {logstore.Query{Since: noon.Add(2), Until: noon.Add(3)}, "a2 b2"},
		"request":     {logstore.Query{Namespace: "default", Function: "a", RequestID: "r1"}, "a2 a3"},
		"any request": {logstore.Query{RequestID: "r1"}, "a2 b2 a3"},
		"trace":       {logstore.Query{TraceID: "t-r2"}, "a1"},
		"warnings":    {logstore.Query{Level: 13}, "b2 a3"},
		"information": {logstore.Query{Level: 9}, "start a2 b2 a3"},
		"pod":         {logstore.Query{Pod: "p2"}, "b2"},
		"stream":      {logstore.Query{PodUID: "uid-p1", Container: "node"}, "start a1 a2 a3"},
		"grep":        {logstore.Query{Match: regexp.MustCompile("^.2"), Limit: 1}, "b2"},
		"namespace":   {logstore.Query{Namespace: "none"}, ""},
	} {
		if got := texts(t, l, c.q); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func appendTakesManyLinesWithHowFarStreamsAre(t *testing.T, dsn string) {
	t.Helper()
	_, l := open(t, dsn)
	var b logstore.Batch
	for i := range 1000 {
		b.Lines = append(b.Lines, line(source("f", fmt.Sprint("p", i%7)), time.Duration(i), fmt.Sprint(i)))
	}
	want := logstore.Stream{PodUID: "uid-p1", Container: "node", Restart: 2, Until: noon, Ended: true}
	b.Streams = []logstore.Stream{{PodUID: "uid-p1", Container: "node", Restart: 1}, want, {PodUID: "uid-p2", Container: "node"}}
	if err := l.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got := len(strings.Fields(texts(t, l, logstore.Query{Namespace: "default", Function: "f"}))); got != 1000 {
		t.Errorf("%d lines are there", got)
	}
	if err := l.Forget(t.Context(), "uid-p2"); err != nil {
		t.Fatal(err)
	}
	got, err := l.Streams(t.Context())
	if diff := cmp.Diff(map[string][]logstore.Stream{"uid-p1": {want}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func claimedGivesLinesSinceThenToTheFunction(t *testing.T, dsn string) {
	t.Helper()
	_, l := open(t, dsn)
	warm, other := source("", "p1"), source("", "p2")
	put(t, l, line(warm, 0, "start"), line(warm, 10, "loading"), line(other, 10, "else"))
	if err := l.Claimed(t.Context(), source("f", "p1"), noon.Add(5)); err != nil {
		t.Fatal(err)
	}
	put(t, l, line(source("f", "p1"), 20, "called"))
	if got := texts(t, l, logstore.Query{Namespace: "default", Function: "f"}); got != "loading called" {
		t.Errorf("the function has %q", got)
	}
	if got := texts(t, l, logstore.Query{Namespace: "default", Environment: "node"}); got != "start else" {
		t.Errorf("the environment has %q", got)
	}
}

func pruneKeepsWhatIsWithinBounds(t *testing.T, dsn string) {
	t.Helper()
	_, l := open(t, dsn)
	text := strings.Repeat("x", 1000)
	for i := range 10 {
		var lines []logstore.Line
		for j := range 900 {
			lines = append(lines, line(source("f", "p1"), time.Duration(i)*time.Hour+time.Duration(j), text))
		}
		put(t, l, lines...)
	}
	count := func() int {
		return len(strings.Fields(texts(t, l, logstore.Query{Namespace: "default", Function: "f"})))
	}
	n, err := l.Prune(t.Context(), logstore.Retention{Age: 8*time.Hour + time.Minute}, noon.Add(10*time.Hour))
	if err != nil || n != 1800 || count() != 7200 {
		t.Errorf("by age %d went, %d stay, %v", n, count(), err)
	}
	if _, err = l.Prune(t.Context(), logstore.Retention{Bytes: 1 << 20}, noon); err != nil || count() < 800 || count() > 1048 {
		t.Errorf("by size %d stay, %v", count(), err)
	}
	u, err := l.Usage(t.Context())
	if err != nil || u.Bytes > 1<<20 || u.Bytes < 800*1000 || !u.Pruned.After(noon.Add(7*time.Hour)) {
		t.Errorf("usage is %+v, %v", u, err)
	}
	put(t, l, line(source("f", "p1"), 100*time.Hour, "new"))
	if !strings.HasSuffix(texts(t, l, logstore.Query{Namespace: "default", Function: "f"}), " new") {
		t.Error("a line of a source that had been forgotten is missing")
	}
}

func writeLeavesNothingOfWhatFails(t *testing.T, dsn string) {
	t.Helper()
	db, l := open(t, dsn)
	if err := l.Append(t.Context(), logstore.Batch{Lines: []logstore.Line{line(source("f", "p"), 0, "nul \x00")}}); db.Kind() == "postgres" && err == nil {
		t.Error("PostgreSQL took a NUL")
	}
	failure := errors.New("no")
	err := db.Write(t.Context(), func(tx *logstore.Tx) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM log_usage")
		return errors.Join(err, failure)
	})
	if !errors.Is(err, failure) {
		t.Errorf("error is %v", err)
	}
	if _, err := l.Usage(t.Context()); err != nil {
		t.Errorf("the row is gone: %v", err)
	}
}

func migrateRunsEachStepOnce(t *testing.T, dsn string) {
	t.Helper()
	db, _ := open(t, dsn)
	one := "CREATE TABLE own (id {key}, name {text} NOT NULL, data {blob}); INSERT INTO own (name) VALUES ('first')"
	for _, steps := range [][]string{{one}, {one}, {one, "INSERT INTO own (name) VALUES ('second')"}} {
		if err := db.Migrate(t.Context(), "own", steps...); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM own WHERE name <> ?", "").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows, %v", n, err)
	}
	if err := db.Migrate(t.Context(), "own", one); err == nil {
		t.Error("a database of a newer version was accepted")
	}
}

func TestCheck_TellsWhatIsNoDatabase(t *testing.T) {
	for dsn, ok := range map[string]bool{
		"": false, "sqlite:": false, "mysql://x": false, "sqlite:/a/b": true, "/a/b": true, "postgres://u:p@h/d": true, "postgres://u:p%@h": false,
	} {
		if err := logstore.Check(dsn); (err == nil) != ok {
			t.Errorf("%q: %v", dsn, err)
		}
	}
}
