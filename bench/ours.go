// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/auditchain/auditchain/exporter/auditchainexporter"
	"github.com/auditchain/auditchain/processor/auditredactionprocessor"
	"github.com/auditchain/auditchain/processor/redact"
)

// chainExporter is our exporter with everything that it does by default
// (redaction, the chain, the watermark) and the given fsync mode.
func chainExporter(path, keyFile, fsync string) (exporter.Factory, settings) {
	return auditchainexporter.NewFactory(), settings{
		"path":  path,
		"key":   settings{"file": keyFile},
		"fsync": fsync,
	}
}

// auditRedaction is our processor as it comes.
func auditRedaction() procSpec {
	return procSpec{auditredactionprocessor.NewFactory(), settings{}}
}

// engineSide walks each record's values through the engine, as the processor
// does, and looks at what it masked.
func (e *env) engineSide(name string, p *pool) (contender, error) {
	r, err := redact.New(redact.Config{})
	if err != nil {
		return contender{}, err
	}
	s := r.Scanner()
	var resources, attributes, bodies []pcommon.Map
	eachRecord(p, func(resource pcommon.Map, lr plog.LogRecord) {
		resources = append(resources, resource)
		attributes = append(attributes, lr.Attributes())
		bodies = append(bodies, lr.Body().Map())
	})
	return e.valueSide(name, p, func(i int) int {
		s.Reset()
		scanMap(s, s.Root(), resources[i])
		scanMap(s, s.Root(), attributes[i])
		scanMap(s, s.Root(), bodies[i])
		masked := 0
		for _, c := range s.Counts() {
			masked += c.N
		}
		return masked
	}, len(resources)), nil
}

func scanMap(s *redact.Scanner, at redact.Place, m pcommon.Map) {
	for k, v := range m.All() {
		place := s.Field(at, k)
		switch v.Type() {
		case pcommon.ValueTypeStr:
			s.Text(place, v.Str())
		case pcommon.ValueTypeMap:
			scanMap(s, place, v.Map())
		default:
			s.Scalar(place)
		}
		s.Key(k)
	}
}
