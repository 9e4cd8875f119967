// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
)

// The marks of what was withheld. withheldKey stands on a resource or a scope
// that lost its content; a record becomes an audit event.
const (
	withheldKey   = "audit.redaction.withheld"
	withheldEvent = "audit.redaction_failed"
	withheldBody  = "a record was withheld: its redaction failed"
	recordIDKey   = "audit.record.id"
)

// batch redacts one plog.Logs, or reports what there is to redact in it.
type batch struct {
	scanner scanner
	fresh   func() scanner
	report  bool // nothing is changed

	records, failures int
}

func (b *batch) logs(ld plog.Logs) {
	for _, rl := range ld.ResourceLogs().All() {
		if !b.try(func(w walker) { w.resource(rl) }) && !b.report {
			withholdResource(rl)
		}
		for _, sl := range rl.ScopeLogs().All() {
			if !b.try(func(w walker) { w.scope(sl) }) && !b.report {
				withholdScope(sl)
			}
			for _, lr := range sl.LogRecords().All() {
				b.records++
				if !b.try(func(w walker) { w.record(lr) }) && !b.report {
					withholdRecord(lr)
				}
			}
		}
	}
}

// try reports whether f came to its end. A panic is not passed on, for its
// value may quote the record; the scanner that it interrupted is not used
// again, and what it had counted is lost with it.
func (b *batch) try(f func(walker)) (done bool) {
	defer func() {
		if !done {
			_ = recover()
			b.failures++
			b.scanner = b.fresh()
		}
	}()
	w := walker{s: b.scanner}
	if b.report {
		w = walker{s: reporting{found: b.scanner}, report: true}
	}
	f(w)
	return true
}

func (w walker) resource(rl plog.ResourceLogs) {
	if url, changed := w.text(rl.SchemaUrl()); changed {
		rl.SetSchemaUrl(url)
	}
	w.mapping(w.s.Root(), rl.Resource().Attributes())
	for _, ref := range entity.ResourceEntityRefs(rl.Resource()).All() {
		if url, changed := w.text(ref.SchemaUrl()); changed {
			ref.SetSchemaUrl(url)
		}
		if t, changed := w.text(ref.Type()); changed {
			ref.SetType(t)
		}
		w.keys(ref.IdKeys())
		w.keys(ref.DescriptionKeys())
	}
}

func (w walker) scope(sl plog.ScopeLogs) {
	if url, changed := w.text(sl.SchemaUrl()); changed {
		sl.SetSchemaUrl(url)
	}
	if name, changed := w.text(sl.Scope().Name()); changed {
		sl.Scope().SetName(name)
	}
	if version, changed := w.text(sl.Scope().Version()); changed {
		sl.Scope().SetVersion(version)
	}
	w.mapping(w.s.Root(), sl.Scope().Attributes())
}

func (w walker) record(lr plog.LogRecord) {
	if name, changed := w.text(lr.EventName()); changed {
		lr.SetEventName(name)
	}
	if text, changed := w.text(lr.SeverityText()); changed {
		lr.SetSeverityText(text)
	}
	w.value(w.s.Root(), lr.Body())
	w.mapping(w.s.Root(), lr.Attributes())
}

func withholdResource(rl plog.ResourceLogs) {
	rl.SetSchemaUrl("")
	pcommon.NewResource().MoveTo(rl.Resource())
	rl.Resource().Attributes().PutBool(withheldKey, true)
}

func withholdScope(sl plog.ScopeLogs) {
	sl.SetSchemaUrl("")
	pcommon.NewInstrumentationScope().MoveTo(sl.Scope())
	sl.Scope().Attributes().PutBool(withheldKey, true)
}

// withholdRecord leaves of a record what cannot hold a secret: times,
// severity number, trace, flags, and the record id where it is a canonical
// UUID, so that the sender finds the record again.
func withholdRecord(lr plog.LogRecord) {
	id := ""
	if v, ok := lr.Attributes().Get(recordIDKey); ok && v.Type() == pcommon.ValueTypeStr {
		if u, err := uuid.Parse(v.Str()); err == nil && u.String() == v.Str() {
			id = v.Str()
		}
	}
	lr.SetEventName(withheldEvent)
	lr.SetSeverityText("")
	lr.Body().SetStr(withheldBody)
	lr.Attributes().Clear()
	lr.Attributes().PutStr("audit.event.reason", "redaction failed")
	if id != "" {
		lr.Attributes().PutStr(recordIDKey, id)
	}
}
