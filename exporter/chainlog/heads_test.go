// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/embedded"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/timestamp"
	"github.com/auditchain/auditchain/internal/timestamp/tsatest"
	"github.com/auditchain/auditchain/processor/synclog"
)

// siem keeps the checkpoints that the application exports elsewhere.
type siem struct {
	collector
	mu    sync.Mutex
	notes []string // guarded by mu
}

func (s *siem) OnEmit(_ context.Context, r *sdklog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.EventName() == "audit.checkpoint" {
		s.notes = append(s.notes, r.Body().AsString())
	}
	return nil
}

// check opens all notes, which grow, and returns the sizes of their trees.
func (s *siem) check(t *testing.T, chain integrity.ChainID) (sizes []uint64) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notes {
		c, err := integrity.OpenCheckpoint([]byte(n), newSigner(t, integrity.KindCheckpoint).Public())
		if err != nil || c.Chain != chain || len(sizes) > 0 && c.Size <= sizes[len(sizes)-1] {
			t.Fatalf("checkpoint %+v behind %v: %v", c, sizes, err)
		}
		sizes = append(sizes, c.Size)
	}
	return sizes
}

// A copy of each head goes to a provider of its own, the last one too.
func TestCheckpointsLeave(t *testing.T) {
	out := &siem{}
	elsewhere := sdklog.NewLoggerProvider(sdklog.WithProcessor(out))
	e := open(t, WithCheckpointLogger(elsewhere),
		WithCheckpoints(journal.Checkpoint{Signer: newSigner(t, integrity.KindCheckpoint), Records: 100, Every: -1}))
	for i := range 250 {
		if err := e.Export(t.Context(), collect(rec("", fmt.Sprint(i)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	sizes := out.check(t, integrity.ChainID(e.Journal().Chain()))
	all := uint64(len(sealed(t, e.Journal().Path())))
	if len(sizes) < 3 || len(sizes) > 5 || sizes[len(sizes)-1] != all-1 {
		t.Errorf("checkpoints of %v of %d lines", sizes, all)
	}
	verify(t, e.Journal().Path())
}

// later is a provider that is set after the exporter was made, as that of
// otel.GetLoggerProvider is.
type later struct {
	embedded.LoggerProvider
	provider atomic.Pointer[sdklog.LoggerProvider]
}

func (l *later) Logger(name string, opts ...log.LoggerOption) log.Logger {
	return &laterLogger{of: l, name: name, opts: opts}
}

type laterLogger struct {
	embedded.Logger
	of   *later
	name string
	opts []log.LoggerOption
}

func (l *laterLogger) Emit(ctx context.Context, r log.Record) {
	if p := l.of.provider.Load(); p != nil {
		p.Logger(l.name, l.opts...).Emit(ctx, r)
	}
}

func (l *laterLogger) Enabled(context.Context, log.EnabledParameters) bool { return true }

// The provider that feeds the exporter may be the one that checkpoints go to:
// each is sealed as a record, and that makes no checkpoint of itself.
func TestCheckpointsOfTheSameProvider(t *testing.T) {
	const events, each = 1000, 100
	own, out := &later{}, &siem{}
	e := open(t, WithCheckpointLogger(own),
		WithCheckpoints(journal.Checkpoint{Signer: newSigner(t, integrity.KindCheckpoint), Records: each, Every: -1}))
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(e)), sdklog.WithProcessor(out),
		sdklog.WithAttributeCountLimit(-1))
	own.provider.Store(provider)
	logger := provider.Logger("app")
	var app sync.WaitGroup
	for range 4 {
		app.Go(func() {
			for i := range events / 4 {
				logger.Emit(context.Background(), rec("", fmt.Sprint(i)))
			}
		})
	}
	app.Wait()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Of what a checkpoint comes of, two lines are its own and its record's, so
	// there is one for each 98 others, the one at the beginning and the one at
	// the end.
	sizes := out.check(t, integrity.ChainID(e.Journal().Chain()))
	made, sent := 0, 0
	for _, l := range sealed(t, e.Journal().Path()) {
		if l.ControlName() == integrity.ControlCheckpoint {
			made++
		}
	}
	for _, body := range texts(t, e.Journal().Path()) {
		if len(body) > 11 && body[:11] == "auditchain/" {
			sent++
		}
	}
	if most := (events+made)/(each-2) + 3; made < events/each || made > most {
		t.Errorf("%d checkpoints of %d events", made, events)
	}
	if sent == 0 || sent != len(sizes) || sent >= made {
		t.Errorf("of %d checkpoints, %d are sealed and %d went out", made, sent, len(sizes))
	}
	verify(t, e.Journal().Path())
}

// A real authority stamps a checkpoint, and the token is sealed in the chain.
func TestTimestampsAreSealed(t *testing.T) {
	tsa := tsatest.New(t)
	e := open(t, WithTimestamps(tsa.URL, tsa.Roots()), WithReport(func(err error) { t.Error(err) }),
		WithCheckpoints(journal.Checkpoint{Signer: newSigner(t, integrity.KindCheckpoint), Records: 1, Every: -1}))
	if err := e.Export(t.Context(), collect(rec("", "an event"))); err != nil {
		t.Fatal(err)
	}
	// Nothing waits for a time stamp: it is looked for until it is there.
	path := e.Journal().Path()
	var stamp integrity.Timestamped
	for end := time.Now().Add(time.Minute); stamp.Control == ""; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no time stamp was sealed")
		}
		for _, l := range sealed(t, path) {
			if l.ControlName() != integrity.ControlTimestamp {
				continue
			}
			if err := integrity.ParseControl(l.Payload, &stamp); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, l := range sealed(t, path) {
		var c integrity.Checkpointed
		if l.ControlName() != integrity.ControlCheckpoint || integrity.ParseControl(l.Payload, &c) != nil || sha256.Sum256([]byte(c.Note)) != stamp.Note {
			continue
		}
		if _, err := timestamp.Check(stamp.Token, []byte(c.Note), tsa.Roots()); err != nil {
			t.Error(err)
		}
		verify(t, path)
		return
	}
	t.Errorf("the time stamp %+v is of no checkpoint", stamp)
}
