// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/auditchain/auditchain/bench/patterns"
)

// contribWays is the contrib redactionprocessor with the settings of a careful
// user, given each record as what it stands for. stop ends its processors.
func contribWays(ctx context.Context) (ways []way, stop func() error, err error) {
	values, err := startContrib(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	keys, err := startContrib(ctx, patterns.Keys)
	if err != nil {
		return nil, nil, err
	}
	body := func(p *contribProcessor) func(input) (result, error) {
		return func(in input) (result, error) {
			if in.record == nil {
				return p.redact(ctx, func(lr plog.LogRecord) error { lr.Body().SetStr(in.text); return nil })
			}
			return p.redact(ctx, func(lr plog.LogRecord) error { return lr.Body().SetEmptyMap().FromRaw(in.record) })
		}
	}
	attributes := func(in input) (result, error) {
		if in.record == nil {
			return body(keys)(in)
		}
		return keys.redact(ctx, func(lr plog.LogRecord) error {
			attributesOf("", in.record, lr.Attributes())
			return nil
		})
	}
	alone := func(in input) (result, error) {
		if in.record == nil {
			return body(values)(in)
		}
		return values.redact(ctx, func(lr plog.LogRecord) error {
			list := lr.Body().SetEmptySlice()
			eachValue("", in.record, func(_, value string) { list.AppendEmpty().SetStr(value) })
			return nil
		})
	}
	ways = []way{
		{contrib, "a body, blocked values", body(values)},
		{contrib, "a body, blocked values and keys", body(keys)},
		{contrib, "attributes, blocked values and keys", attributes},
		{contrib, "value by value, without names", alone},
	}
	return ways, func() error {
		if err := values.Shutdown(ctx); err != nil {
			return err
		}
		return keys.Shutdown(ctx)
	}, nil
}

// attributesOf flattens a record as instrumentation does: dotted names, and a
// list of strings as one command line.
func attributesOf(prefix string, v any, to pcommon.Map) {
	m, ok := v.(map[string]any)
	if !ok {
		eachValue("", v, func(_, value string) { to.PutStr(prefix, value) })
		return
	}
	for _, k := range sortedKeys(m) {
		name := k
		if prefix != "" {
			name = prefix + "." + k
		}
		attributesOf(name, m[k], to)
	}
}

// contribProcessor is a started processor, and where its output goes.
type contribProcessor struct {
	processor.Logs
	out *lastBatch
}

type lastBatch struct{ logs plog.Logs }

func (*lastBatch) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (l *lastBatch) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	l.logs = ld
	return nil
}

// startContrib reads its settings as the Collector does.
func startContrib(ctx context.Context, keys []string) (*contribProcessor, error) {
	f := redactionprocessor.NewFactory()
	cfg := f.CreateDefaultConfig()
	conf := confmap.NewFromStringMap(map[string]any{
		"allow_all_keys":       true,
		"blocked_values":       list(patterns.Values),
		"blocked_key_patterns": list(keys),
		"summary":              "silent",
	})
	if err := conf.Unmarshal(&cfg); err != nil {
		return nil, fmt.Errorf("settings of %s: %w", f.Type(), err)
	}
	if err := confmap.Validate(cfg); err != nil {
		return nil, fmt.Errorf("settings of %s: %w", f.Type(), err)
	}
	out := &lastBatch{}
	p, err := f.CreateLogs(ctx, processortest.NewNopSettings(f.Type()), cfg, out)
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", f.Type(), err)
	}
	if err := p.Start(ctx, componenttest.NewNopHost()); err != nil {
		return nil, fmt.Errorf("starting %s: %w", f.Type(), err)
	}
	return &contribProcessor{p, out}, nil
}

func list(in []string) []any {
	out := []any{}
	for _, s := range in {
		out = append(out, s)
	}
	return out
}

// redact sends one log record through the processor.
func (p *contribProcessor) redact(ctx context.Context, fill func(plog.LogRecord) error) (result, error) {
	ld := plog.NewLogs()
	lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	if err := fill(lr); err != nil {
		return result{}, err
	}
	before, err := textOf(lr)
	if err != nil {
		return result{}, err
	}
	if err := p.ConsumeLogs(ctx, ld); err != nil {
		return result{}, err
	}
	if p.out.logs.LogRecordCount() != 1 {
		return result{}, fmt.Errorf("%s made %d records of one", contrib, p.out.logs.LogRecordCount())
	}
	after, err := textOf(p.out.logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0))
	return result{after, after != before}, err
}

// textOf is a record's body and attributes as JSON.
func textOf(lr plog.LogRecord) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode([]any{lr.Body().AsRaw(), lr.Attributes().AsRaw()})
	return b.String(), err
}
