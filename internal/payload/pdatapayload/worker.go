// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package pdatapayload

import (
	"github.com/auditchain/auditchain/internal/payload/wire"
	"github.com/auditchain/auditchain/processor/redact"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// worker encodes in one goroutine.
type worker struct{ w *wire.Writer }

func (k *worker) idle() {
	k.w.Forget()
	k.w.ForgetGroups()
}

// encode encodes n records of ld from a place on.
func (k *worker) encode(b *wire.Batch, ld plog.Logs, at place, n int) {
	k.w.Tick()
	rls := ld.ResourceLogs()
	for r := at.resource; n > 0 && r < rls.Len(); r++ {
		rl := rls.At(r)
		sls := rl.ScopeLogs()
		encoded := false
		for s := at.scope; n > 0 && s < sls.Len(); s++ {
			sl := sls.At(s)
			recs := sl.LogRecords()
			if at.record < recs.Len() {
				if !encoded {
					k.resource(rl)
					encoded = true
				}
				k.scope(sl)
			}
			for i := at.record; n > 0 && i < recs.Len(); i++ {
				k.record(b, recs.At(i))
				n--
			}
			at.record = 0
		}
		at.scope = 0
	}
}

func (k *worker) resource(rl plog.ResourceLogs) {
	w := k.w
	res := rl.Resource()
	attrs := res.Attributes()
	w.OpenResource()
	defer w.RescueGroup()
	for key, v := range attrs.All() {
		if wire.WantsResourceText(key) {
			w.ResourceText(key, v.Type() == pcommon.ValueTypeStr, v.Str())
		}
	}
	k.groupAttributes(attrs)
	w.CloseGroup(res.DroppedAttributesCount(), rl.SchemaUrl())
}

func (k *worker) scope(sl plog.ScopeLogs) {
	sc := sl.Scope()
	defer k.w.RescueGroup()
	k.w.OpenScope(sc.Name(), sc.Version())
	k.groupAttributes(sc.Attributes())
	k.w.CloseGroup(sc.DroppedAttributesCount(), sl.SchemaUrl())
}

func (k *worker) groupAttributes(attrs pcommon.Map) {
	if attrs.Len() > 0 {
		k.w.GroupAttributes()
		k.mapping(k.w.Root(), attrs, 0)
	}
}

func (k *worker) record(b *wire.Batch, r plog.LogRecord) {
	w := k.w
	h := wire.Head{
		Timestamp: uint64(r.Timestamp()), Observed: uint64(r.ObservedTimestamp()),
		Severity: int32(r.SeverityNumber()), SeverityText: r.SeverityText(), EventName: r.EventName(),
		TraceID: r.TraceID(), SpanID: r.SpanID(), Flags: uint32(r.Flags()), Dropped: r.DroppedAttributesCount(),
	}
	w.Begin(b, &h)
	defer w.RescueRecord(b)
	attrs := r.Attributes()
	for key, v := range attrs.All() {
		if w.Attr(key) {
			w.AttrText(v.Type() == pcommon.ValueTypeStr, v.Str())
		}
	}
	if w.Pairs() {
		k.pairs(w.Root(), attrs, 0)
	}
	if !w.Open(b) {
		return
	}
	if w.HasFields() {
		i := 0
		for _, v := range attrs.All() {
			if w.IsField(i) {
				w.Field(i)
				k.value(w.Place(i), v, 0)
			}
			i++
		}
	}
	w.AfterEvent()
	switch body := r.Body(); body.Type() {
	case pcommon.ValueTypeEmpty:
	case pcommon.ValueTypeStr:
		w.BodyText(body.Str())
	default:
		w.Body()
		k.value(w.Root(), body, 0)
	}
	if w.Attributes() {
		i := 0
		for _, v := range attrs.All() {
			if w.Stays(i) {
				w.Attribute(i)
				k.value(w.Place(i), v, 0)
				w.EndAttribute()
			}
			i++
		}
		w.CloseAttributes()
	}
	w.End(b)
}

// value writes v, which stands at p, below depth maps and slices.
func (k *worker) value(p redact.Place, v pcommon.Value, depth int) {
	w := k.w
	switch v.Type() {
	case pcommon.ValueTypeStr:
		w.Text(p, v.Str())
	case pcommon.ValueTypeInt:
		w.Int(p, v.Int())
	case pcommon.ValueTypeDouble:
		w.Double(p, v.Double())
	case pcommon.ValueTypeBool:
		w.Bool(v.Bool())
	case pcommon.ValueTypeBytes:
		k.bytes(p, v.Bytes())
	case pcommon.ValueTypeMap:
		if !w.TooDeep(p, depth) {
			k.mapping(p, v.Map(), depth)
		}
	case pcommon.ValueTypeSlice:
		if !w.TooDeep(p, depth) {
			k.slice(p, v.Slice(), depth)
		}
	default:
		w.Null()
	}
}

// bytes copies the bytes, which pdata hands out only one by one.
func (k *worker) bytes(p redact.Place, v pcommon.ByteSlice) {
	buf := k.w.Scratch()
	for i := range v.Len() {
		buf = append(buf, v.At(i))
	}
	k.w.KeepScratch(buf)
	k.w.Bytes(p, buf)
}

func (k *worker) slice(p redact.Place, list pcommon.Slice, depth int) {
	w := k.w
	w.OpenSlice()
	if list != (pcommon.Slice{}) {
		prev := ""
		for i := range list.Len() {
			v := list.At(i)
			w.Item()
			k.value(w.Next(p, prev), v, depth+1)
			prev = v.Str() // "" where it is no string
			if w.Over() {
				break
			}
		}
	}
	w.CloseSlice()
}

func (k *worker) mapping(p redact.Place, m pcommon.Map, depth int) {
	w := k.w
	mark := w.Mark()
	if m == (pcommon.Map{}) {
		w.OpenMap(wire.FormPlain)
		w.CloseMap(wire.FormPlain)
		return
	}
	for key := range m.All() {
		w.Push(p, key)
	}
	if w.Pairs() {
		k.pairs(p, m, mark)
	}
	form := w.Form(mark)
	w.OpenMap(form)
	i := mark
	for _, v := range m.All() {
		w.Entry(form, i)
		k.value(w.Place(i), v, depth+1)
		w.EndEntry(form)
		i++
		if w.Over() {
			break
		}
	}
	w.CloseMap(form)
	w.Pop(mark)
}

// pairs asks the strings of the map m at p, whose keys stand from mark on, about
// the values beside them.
func (k *worker) pairs(p redact.Place, m pcommon.Map, mark int) {
	var b redact.Siblings
	for key, v := range m.All() {
		if v.Type() == pcommon.ValueTypeStr && redact.IsPairName(key) {
			k.w.Tell(&b, p, key, v.Str())
		}
	}
	k.w.Told(&b, mark)
}
