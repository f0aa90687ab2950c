package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/internal/postgrestest"
	"hotpod.dev/logstore"
	"hotpod.dev/timelines/store"
	"hotpod.dev/wire"
)

// behaviours hold for every database; each test gets an empty one.
func behaviours() map[string]func(t *testing.T, dsn string) {
	return map[string]func(t *testing.T, dsn string){
		"AnswersWhatWasSent":                answersWhatWasSent,
		"KeepsItsBounds":                    keepsItsBounds,
		"OneFunctionCannotPushTheOthersOut": oneFunctionCannotPushTheOthersOut,
	}
}

func TestSQLite(t *testing.T) {
	for name, test := range behaviours() {
		t.Run(name, func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "logs.db")) })
	}
}

func TestPostgres(t *testing.T) {
	server := postgrestest.Start(t)
	for name, test := range behaviours() {
		t.Run(name, func(t *testing.T) { test(t, server.Database(t)) })
	}
}

func open(t *testing.T, dsn string, bounds store.Bounds) *store.Store {
	t.Helper()
	db, err := logstore.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s, err := store.New(t.Context(), db, func() store.Bounds { return bounds }, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func of(id, function string, at time.Time) wire.Timeline {
	return wire.Timeline{
		RequestID: id, Function: wire.FunctionID{Namespace: "default", Name: function, UID: "uid-" + function}, Part: wire.PartEdge,
		StartMicros: at.UnixMicro(), Micros: 5, Steps: []wire.Step{{Name: wire.StepEdge, Micros: 5}},
	}
}

func answersWhatWasSent(t *testing.T, dsn string) {
	t.Helper()
	s := open(t, dsn, store.Bounds{})
	mux := http.NewServeMux()
	mux.Handle("POST "+wire.PathTimelines, s.Keep())
	mux.Handle("GET "+wire.PathTimelines, s.Ask())
	now := time.Now()
	body, _ := json.Marshal(wire.Timelines{Timelines: []wire.Timeline{of("a", "f", now), of("a", "f", now), of("b", "g", now), {Message: "no ID"}}})
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, wire.PathTimelines, bytes.NewReader(body)))
	if answer.Code != http.StatusNoContent {
		t.Fatal(answer.Code, answer.Body)
	}
	for query, want := range map[string]string{
		"id=a": "a a", "id=c": "", "": "b a a", "namespace=default": "b a a", "namespace=x": "", "namespace=default&function=g": "b", "limit=1": "b",
	} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, wire.PathTimelines+"?"+query, nil))
		var got wire.Timelines
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, one := range got.Timelines {
			ids = append(ids, one.RequestID)
		}
		if strings.Join(ids, " ") != want {
			t.Errorf("%q: %q, want %q", query, ids, want)
		}
	}
	for _, bad := range []string{"limit=0", "limit=x", "limit=100000"} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, wire.PathTimelines+"?"+bad, nil))
		if answer.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, answer.Code)
		}
	}
}

func keepsItsBounds(t *testing.T, dsn string) {
	t.Helper()
	s := open(t, dsn, store.Bounds{Age: time.Hour, Count: 10})
	now := time.Now()
	var batch []wire.Timeline
	for i := range 30 {
		batch = append(batch, of(fmt.Sprint(i), "f", now))
	}
	batch = append(batch, of("old", "f", now.Add(-2*time.Hour)))
	if err := s.Add(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	got, err := s.Recent(t.Context(), "", "", 100)
	if err != nil || len(got) == 0 || len(got) > 10 || got[0].RequestID != "29" {
		t.Errorf("%d are left: %v", len(got), err)
	}
}

func oneFunctionCannotPushTheOthersOut(t *testing.T, dsn string) {
	t.Helper()
	s := open(t, dsn, store.Bounds{})
	now := time.Now()
	for range 10 {
		var batch []wire.Timeline
		for i := range 100 {
			batch = append(batch, of(fmt.Sprint(i), "noisy", now))
		}
		if err := s.Add(t.Context(), append(batch, of("quiet", "quiet", now))); err != nil {
			t.Fatal(err)
		}
	}
	noisy, err := s.Recent(t.Context(), "default", "noisy", 1000)
	quiet, err2 := s.Recent(t.Context(), "default", "quiet", 1000)
	if err != nil || err2 != nil || len(noisy) > 400 || len(quiet) != 10 { // two windows at most
		t.Errorf("%d noisy, %d quiet; %v %v", len(noisy), len(quiet), err, err2)
	}
}
