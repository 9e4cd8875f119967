// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/zricethezav/gitleaks/v8/detect"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// rowRedaction: finding and masking alone, nothing written.
func rowRedaction(ctx context.Context, e *env) ([]result, error) {
	gitleaks, err := gitleaksDetector()
	if err != nil {
		return nil, err
	}
	var cs []comparison
	for _, dirty := range []bool{false, true} {
		p := newPool(e.scale.poolRecords, 100, dirty)
		ten := e.processorSide("redactionprocessor, 10 patterns", p, redactionProcessor(patterns10))
		nineteen := e.processorSide("redactionprocessor, 19 patterns", p, redactionProcessor(patterns19))
		leaks := e.gitleaksSide("gitleaks DetectString", p, gitleaks)
		ours := e.processorSide("audit_redaction", p, auditRedaction())
		engine, err := e.engineSide("processor/redact", p)
		if err != nil {
			return nil, err
		}
		for _, c := range []struct{ a, b contender }{{nineteen, ours}, {ten, ours}, {nineteen, engine}, {leaks, engine}} {
			cs = append(cs, comparison{label: dirtyText(dirty), unit: recordsPerSecond, a: c.a, b: c.b})
		}
	}
	return e.run(ctx, "redaction", cs)
}

// lastStage keeps what comes out of a processor until it is checked.
type lastStage struct {
	mu  sync.Mutex
	out []plog.Logs
}

func (*lastStage) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *lastStage) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	s.mu.Lock()
	s.out = append(s.out, ld)
	s.mu.Unlock()
	return nil
}

// processorSide pushes batches of 100 through one processor.
func (e *env) processorSide(name string, p *pool, proc procSpec) contender {
	return contender{name, func(ctx context.Context) (sample, error) {
		end := &lastStage{}
		c, err := startProcessors(ctx, end, proc)
		if err != nil {
			return sample{}, err
		}
		out, err := drive(ctx, load{pool: p, callers: 1, d: e.scale.round, fresh: true,
			after: func(batches []plog.Logs) error {
				err := checkMasked(end.out, len(batches), p)
				end.out = end.out[:0]
				return err
			}}, c.push)
		return out.sample(), errors.Join(err, c.stop(ctx))
	}}
}

// checkMasked fails when a batch is missing or a planted secret came through.
func checkMasked(out []plog.Logs, batches int, p *pool) error {
	if len(out) != batches {
		return fmt.Errorf("%d batches went in and %d came out", batches, len(out))
	}
	n := newNeedles(p)
	found := make([]bool, len(p.markers))
	leaked := 0
	for _, ld := range out {
		if ld.LogRecordCount() != p.size {
			return fmt.Errorf("a batch of %d records came out with %d", p.size, ld.LogRecordCount())
		}
		text, err := (&plog.JSONMarshaler{}).MarshalLogs(ld)
		if err != nil {
			return err
		}
		leaked += n.scan(text, found)
	}
	if leaked > 0 {
		return fmt.Errorf("%d planted secrets came through", leaked)
	}
	for i := range batches {
		if !found[i] {
			return fmt.Errorf("the first record of batch %d did not come out whole", i)
		}
	}
	return nil
}

// valueSide measures a detector on the records of the pool, one after the
// other, and checks that each planted secret was found.
func (e *env) valueSide(name string, p *pool, found func(rec int) int, records int) contender {
	return contender{name, func(context.Context) (sample, error) {
		done, hits := 0, 0
		before, start := cpuTime(), time.Now()
		for time.Since(start) < e.scale.round {
			for i := range records {
				hits += found(i)
			}
			done++
		}
		out := pushed{elapsed: time.Since(start), cpu: cpuTime() - before, records: done * records}
		if want := done * len(p.secrets); hits < want {
			return sample{}, fmt.Errorf("%d secrets were planted and %d found", want, hits)
		} else if len(p.secrets) == 0 && hits > 0 {
			return sample{}, fmt.Errorf("%d secrets were found in records that hold none", hits)
		}
		return out.sample(), nil
	}}
}

// gitleaksSide gives gitleaks each record as one text of key=value lines, in
// one call, made before the clock runs: the cheapest way to use it.
func (e *env) gitleaksSide(name string, p *pool, d *detect.Detector) contender {
	var texts []string
	eachRecord(p, func(resource pcommon.Map, lr plog.LogRecord) {
		var b strings.Builder
		flatten(&b, resource)
		flatten(&b, lr.Attributes())
		flatten(&b, lr.Body().Map())
		texts = append(texts, b.String())
	})
	return e.valueSide(name, p, func(i int) int { return len(d.DetectString(texts[i])) }, len(texts))
}

func flatten(b *strings.Builder, m pcommon.Map) {
	for k, v := range m.All() {
		if v.Type() == pcommon.ValueTypeMap {
			flatten(b, v.Map())
			continue
		}
		fmt.Fprintf(b, "%s=%s\n", k, v.AsString())
	}
}

// eachRecord calls f with the records of the pool.
func eachRecord(p *pool, f func(resource pcommon.Map, lr plog.LogRecord)) {
	for _, ld := range p.batches {
		rl := ld.ResourceLogs().At(0)
		recs := rl.ScopeLogs().At(0).LogRecords()
		for i := range recs.Len() {
			f(rl.Resource().Attributes(), recs.At(i))
		}
	}
}
