// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

const (
	collectorRounds  = 100
	collectorClients = 4
	// perRequest is how many records a client sends at once.
	perRequest = 7
)

// collectorLoop kills the Collector under load, with the project's own configuration.
// It is part of the long form only.
func collectorLoop(ctx context.Context, w *world, long bool) ([]*row, error) {
	r := &row{fault: fmt.Sprintf("kill -9, Collector under load, %d rounds", collectorRounds)}
	bin, err := harness.BinariesIn(w.bin)
	switch {
	case !long:
		return nil, nil
	case errors.Is(err, harness.ErrNotBuilt):
		r.skipped = err.Error()
		return []*row{r}, nil
	case err != nil:
		return nil, err
	}
	root, err := harness.Root()
	if err != nil {
		return nil, err
	}
	path, err := w.keyed("collector")
	if err != nil {
		return nil, err
	}
	// Short epochs, and many checkpoints; all else is the project's own.
	overlay := filepath.Join(w.root, "collector-keys.yaml")
	if err := os.WriteFile(overlay, []byte("exporters: {audit_chain: {epoch: {every_records: 100}, checkpoint: {every_records: 100, every: 1s}}}\n"), 0o600); err != nil {
		return nil, err
	}
	// A backend that takes everything; what it gets is the end-to-end tests' business.
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer backend.Close()
	options := harness.CollectorOptions{
		Config: filepath.Join(root, "collector-config.yaml"), Data: filepath.Dir(path), KeyFile: w.keyOf(path), Overlays: []string{overlay},
		Backend: backend.URL, APICalls: filepath.Join(w.root, "none", "*.jsonl"),
	}
	var o outcome
	l := newLedger()
	rng := rand.New(rand.NewPCG(3, 4))
	senders := make([]*sender, collectorClients)
	for i := range senders {
		senders[i] = &sender{client: client{prefix: 0x300 + i}}
	}
	for round := range collectorRounds {
		if err := collectorRound(ctx, options, bin, senders, 1+rng.IntN(300)); err != nil {
			return nil, fmt.Errorf("round %d: %w", round, err)
		}
		o.Hits++
		for _, s := range senders {
			l.merge(&o, session{sent: s.pending})
			for _, id := range s.acked {
				l.sent[id] = true
			}
		}
		lookUp(&o, l, path, senders)
		w.giveAway(&o, path, "")
		w.verify(ctx, &o, path, false)
		if o.bad() || ctx.Err() != nil {
			break
		}
		if round%10 == 9 {
			w.say("Collector: %d of %d rounds", round+1, collectorRounds)
		}
	}
	if !o.bad() && ctx.Err() == nil {
		if err := drain(ctx, options, bin, senders); err != nil {
			o.problem("after the last round: %v", err)
		}
		lookUp(&o, l, path, senders)
		w.verify(ctx, &o, path, false)
	}
	for _, p := range o.Problems {
		w.say("BAD Collector: %s", p)
	}
	if o.bad() {
		if err := os.Rename(filepath.Join(options.Data, "collector.log"), filepath.Join(w.root, "collector.log")); err == nil {
			w.say("its log: %s", filepath.Join(w.root, "collector.log"))
		}
	}
	r.add(o)
	return []*row{r}, nil
}

// sender is a client that speaks OTLP: its receipt is the answer to a request.
type sender struct {
	client
	acked []string
}

// collectorRound starts the Collector, and kills it once it has acknowledged so many
// records while all senders send.
func collectorRound(ctx context.Context, o harness.CollectorOptions, bin harness.Binaries, senders []*sender, enough int) error {
	col, err := harness.StartCollector(ctx, bin, o)
	if err != nil {
		return err
	}
	defer col.Kill()
	var acked atomic.Int64
	var dead atomic.Bool
	var running sync.WaitGroup
	errs := make(chan error, len(senders))
	for _, s := range senders {
		running.Go(func() {
			for {
				if err := s.send(ctx, col.HTTP); err != nil {
					if !dead.Load() {
						errs <- fmt.Errorf("refused before the Collector was killed: %w", err)
						dead.Store(true)
						col.Kill()
					}
					return
				}
				if acked.Add(perRequest) >= int64(enough) && dead.CompareAndSwap(false, true) {
					col.Kill()
				}
			}
		})
	}
	running.Wait()
	close(errs)
	return <-errs
}

// drain sends what waits.
func drain(ctx context.Context, o harness.CollectorOptions, bin harness.Binaries, senders []*sender) error {
	col, err := harness.StartCollector(ctx, bin, o)
	if err != nil {
		return err
	}
	defer col.Kill()
	for _, s := range senders {
		if err := s.send(ctx, col.HTTP); err != nil {
			return err
		}
	}
	return col.Stop()
}

// send sends what waits, or new records, and remembers them as acknowledged when the
// answer says so.
func (s *sender) send(ctx context.Context, addr string) error {
	for len(s.pending) < perRequest {
		id := fmt.Sprintf("%08x-0000-4000-8000-%012x", s.prefix, s.made)
		s.pending = append(s.pending, entry{id: id})
		s.made++
	}
	type m map[string]any
	var records []m
	for _, e := range s.pending {
		records = append(records, m{
			"timeUnixNano": "1795432500000000000", "eventName": "audit.tested", "body": m{"stringValue": "tested"},
			"attributes": []m{
				{"key": "audit.record.id", "value": m{"stringValue": e.id}},
				{"key": "session.id", "value": m{"stringValue": "torture"}},
			},
		})
	}
	body, err := json.Marshal(m{"resourceLogs": []m{{"scopeLogs": []m{{"logRecords": records}}}}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/logs", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := sending.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // nothing depends on it
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("OTLP/HTTP: %s", resp.Status)
	}
	for _, e := range s.pending {
		s.acked = append(s.acked, e.id)
	}
	s.pending = nil
	return nil
}

// sending keeps no connections, which would be those of a Collector that was killed.
var sending = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// lookUp is ledger.compare for receipts that name no sequence number: each record must
// be there, and takes the number that it has from then on.
func lookUp(o *outcome, l *ledger, path string, senders []*sender) {
	chain, err := readChain(path)
	if err != nil {
		o.problem("reading the journal: %v", err)
		return
	}
	at := map[string]uint64{}
	for _, line := range chain {
		if line.Control == "" {
			at[line.ID] = line.Seq
		}
	}
	for _, s := range senders {
		for _, id := range s.acked {
			if at[id] == 0 {
				o.Lost++
				o.problem("record %s was acknowledged, and is not in the journal", id)
				continue
			}
			if l.acked[id] == 0 {
				l.acked[id] = at[id]
			}
		}
	}
	l.compare(o, path)
}
