// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/internal/e2e/harness"
	"github.com/auditchain/auditchain/processor/synclog"
)

// The Collector is killed again and again while clients send to it. What it has
// acknowledged is in the file, what it has not is sent again and sealed once, the chain
// verifies, and the backend gets all of it.
func TestKilledUnderLoad(t *testing.T) {
	const rounds, perRound, clientsOfAKind = 5, 150, 3
	w := newWorld(t)
	backend := w.startBackend()
	o := w.options(backend.InsertURL())

	var clients []client
	for range clientsOfAKind {
		clients = append(clients, &httpClient{}, &grpcClient{})
	}
	for round := range rounds {
		col := w.startCollector(o)
		l := &load{enough: make(chan struct{}), want: perRound}
		var running sync.WaitGroup
		for _, c := range clients {
			running.Go(func() {
				if err := c.run(w.ctx, col.Endpoints, l); err != nil && !l.killed.Load() {
					t.Errorf("round %d: refused before the Collector was killed: %v", round, err)
					l.enoughOnce.Do(func() { close(l.enough) })
				}
			})
		}
		<-l.enough
		l.killed.Store(true)
		col.Kill()
		running.Wait()
		if t.Failed() {
			t.FailNow()
		}
		w.allSealed(clients)
	}

	// What was never acknowledged is sent once more.
	col := w.startCollector(o)
	var running sync.WaitGroup
	for _, c := range clients {
		running.Go(func() {
			if err := c.run(w.ctx, col.Endpoints, nil); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	var acknowledged []string
	for _, c := range clients {
		acknowledged = append(acknowledged, c.acknowledged()...)
	}
	if len(acknowledged) < rounds*perRound {
		t.Errorf("%d records were acknowledged, want %d at least", len(acknowledged), rounds*perRound)
	}
	w.sameIDs("journal", lineIDs(w.records()), acknowledged)
	w.waitForIDs(backend, acknowledged)
	if err := col.Stop(); err != nil {
		t.Error(err)
	}
	w.auditchain(0, "verify", w.journal())
}

// The Collector is killed while it reads a file: every line is sealed once.
func TestKilledWhileReadingFiles(t *testing.T) {
	const rounds, perRound = 4, 400
	w := newWorld(t)
	backend := w.startBackend()
	o := w.options(backend.InsertURL())
	file, err := os.Create(filepath.Join(w.dir, "api-calls", "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() // every write is checked
	var ids []string
	for round := range rounds {
		for range perRound {
			id := uuid.NewString()
			ids = append(ids, id)
			if _, err := fmt.Fprintf(file, `{"eventTime":"2026-11-23T10:15:00Z","eventName":"Tested","eventID":%q}`+"\n", id); err != nil {
				t.Fatal(err)
			}
		}
		col := w.startCollector(o)
		w.waitForRecords(round*perRound + 1)
		col.Kill()
	}
	col := w.startCollector(o)
	w.waitForRecords(len(ids))
	w.waitForIDs(backend, ids)
	if err := col.Stop(); err != nil {
		t.Error(err)
	}
	w.sameIDs("journal", lineIDs(w.records()), ids)
	w.auditchain(0, "verify", w.journal())
}

// allSealed insists that everything acknowledged so far is in the file.
func (w *world) allSealed(clients []client) {
	w.t.Helper()
	sealed := map[string]int{}
	for _, l := range w.records() {
		sealed[l.ID]++
	}
	for _, c := range clients {
		for _, id := range c.acknowledged() {
			if sealed[id] != 1 {
				w.t.Fatalf("record %s was acknowledged and stands in the file %d times", id, sealed[id])
			}
		}
	}
}

// load counts what is acknowledged, and says when it is enough.
type load struct {
	want       int64
	count      atomic.Int64
	enough     chan struct{}
	enoughOnce sync.Once
	killed     atomic.Bool
}

// add counts n records. Without a load, one request is enough.
func (l *load) add(n int) (goOn bool) {
	if l == nil {
		return false
	}
	if l.count.Add(int64(n)) >= l.want {
		l.enoughOnce.Do(func() { close(l.enough) })
	}
	return true
}

// client sends records until it is refused, beginning with what was not acknowledged
// the last time.
type client interface {
	run(ctx context.Context, to harness.Endpoints, l *load) error
	acknowledged() []string
}

// httpClient sends batches.
type httpClient struct {
	acked   []string
	pending []string
	logs    plog.Logs
}

func (c *httpClient) acknowledged() []string { return c.acked }

func (c *httpClient) run(ctx context.Context, to harness.Endpoints, l *load) error {
	for {
		if c.pending == nil {
			c.logs, c.pending = batch(7)
		}
		if err := postProto(ctx, to.HTTP, c.logs); err != nil {
			return err
		}
		n := len(c.pending)
		c.acked, c.pending = append(c.acked, c.pending...), nil
		if !l.add(n) {
			return nil
		}
	}
}

// grpcClient sends single events through the SDK.
type grpcClient struct {
	acked   []string
	pending uuid.UUID
	at      time.Time
}

func (c *grpcClient) acknowledged() []string { return c.acked }

func (c *grpcClient) run(ctx context.Context, to harness.Endpoints, l *load) error {
	exporter, err := otlploggrpc.New(ctx, otlploggrpc.WithEndpoint(to.GRPC), otlploggrpc.WithInsecure(),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: false}))
	if err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(exporter)))
	defer provider.Shutdown(ctx) // the Collector may be gone
	logger, err := audit.NewLogger(provider)
	if err != nil {
		return err
	}
	for {
		if c.pending == uuid.Nil {
			c.pending, c.at = uuid.Must(uuid.NewV7()), time.Now()
		}
		event := audit.Custom{Type: "tested", Fields: []attribute.KeyValue{attribute.Int("number", len(c.acked))}}
		if _, err := logger.Emit(ctx, nil, event, audit.WithRecordID(c.pending), audit.WithTime(c.at)); err != nil {
			return fmt.Errorf("emit: %w", err)
		}
		c.acked, c.pending = append(c.acked, c.pending.String()), uuid.Nil
		if !l.add(1) {
			return nil
		}
	}
}
