// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// current makes an Entry of a record in the current format: it puts everything
// back that a writer takes out of the attributes (SPEC sections 6.2 to 6.5).
func (r *reading) current() (Entry, error) {
	e := &r.Entry
	if e.Timestamp.Format(timeFormat) != r.timestamp {
		return Entry{}, errors.New(`"timestamp": not a time in UTC with nine fractional digits`)
	}
	if err := r.body(); err != nil {
		return Entry{}, err
	}
	if slices.Contains(r.have, "event_name") {
		if len(r.fields) > 0 {
			return Entry{}, errors.New(`"event" has fields, and "event_name" says that it is no audit event`)
		}
		if e.EventName = r.eventName; e.EventName != r.Type && r.Type != "log" || isAuditName(e.EventName) {
			return Entry{}, errors.New(`"event_name" does not fit the type of "event"`)
		}
		if r.Type == "log" && validUTF8(e.EventName) && e.EventName != "log" {
			return Entry{}, errors.New(`"event_name" does not fit the type of "event"`)
		}
	} else {
		e.EventName = EventPrefix + r.Type
		e.Event = eventOf(r.Type, r.fields)
	}

	said := e.Attributes
	e.Attributes = make([]attribute.KeyValue, 0, len(said)+len(r.fields)+3)
	e.Attributes = append(e.Attributes, prefixed(r.fields)...)
	lifted := func(key attribute.Key, text string) {
		if text != "" && !has(said, key) && !sameString(e.Resource.Attributes, key, text) {
			e.Attributes = append(e.Attributes, key.String(text))
		}
	}
	if !slices.Contains(e.Filled, "id") && !has(said, keyRecordID) {
		e.Attributes = append(e.Attributes, keyRecordID.String(e.ID.String()))
	}
	lifted(keySessionID, e.SessionID)
	lifted(keyProvider, string(e.Provider))
	e.Attributes = append(e.Attributes, said...)

	// What a refused record was about, its event does not say.
	if e.Provider == "" && e.Event != nil && e.Type != typeRejected {
		e.Provider = DefaultProvider
	}
	return *e, nil
}

// body decides between a typed body and a JSON text (SPEC section 6.5). The
// text is what stands between the colon and the next comma, spaces included.
func (r *reading) body() error {
	switch {
	case r.bodyForm == "" && r.untyped:
		return errors.New(`"body": an object that is not typed as SPEC section 6.1 says`)
	case r.bodyForm == "":
		return nil
	case !slices.Contains(r.have, "body"):
		return errors.New(`"body_form" without "body"`)
	}
	t := strings.TrimLeft(string(r.bodyRaw), " ")
	if t[0] != '{' && t[0] != '[' {
		return errors.New(`"body" is no JSON object or array, and "body_form" says that it is one`)
	}
	r.Body, r.JSONBody = attribute.StringValue(string(r.bodyRaw)), true
	return nil
}

// older makes an Entry of a line in the older format, as the record that would
// say the same in the current one.
func (r *reading) older() (Entry, error) {
	e := &r.Entry
	e.Older = true
	if e.Provider == "" {
		e.Provider = DefaultProvider
	}
	e.EventName = EventPrefix + r.Type
	e.Event = eventOf(r.Type, r.fields)
	e.Attributes = prefixed(r.fields)
	if e.SessionID != "" {
		e.Attributes = append(e.Attributes, keySessionID.String(e.SessionID))
	}
	e.Attributes = append(e.Attributes, keyProvider.String(string(e.Provider)))
	return *e, nil
}

// typeRejected is the type of the event that a journal writes in the place of a
// record that it refused (SPEC section 6.6). Its name is the writer's own: a
// record that a sender gives it is no audit event (section 6.3).
const (
	typeRejected = "rejected"
	nameRejected = EventPrefix + typeRejected
)

// typeCheckpoint is the type that the name of the log record gives which carries
// a checkpoint of a chain (docs/CHECKPOINTS.md).
const typeCheckpoint = "checkpoint"

// isAuditName reports whether a sender's record of that name is an audit event.
func isAuditName(name string) bool {
	return strings.HasPrefix(name, EventPrefix) && validUTF8(name[len(EventPrefix):]) && name != nameRejected
}

func has(attrs []attribute.KeyValue, key attribute.Key) bool {
	return slices.ContainsFunc(attrs, func(kv attribute.KeyValue) bool { return kv.Key == key })
}

func sameString(attrs []attribute.KeyValue, key attribute.Key, s string) bool {
	return slices.ContainsFunc(attrs, func(kv attribute.KeyValue) bool {
		return kv.Key == key && kv.Value.Type() == attribute.STRING && kv.Value.AsString() == s
	})
}

func prefixed(fields []attribute.KeyValue) []attribute.KeyValue {
	out := make([]attribute.KeyValue, len(fields))
	for i, f := range fields {
		out[i] = attribute.KeyValue{Key: FieldPrefix + f.Key, Value: f.Value}
	}
	return out
}

// ParseEvent reads an event as it stands in a line, `{"type":T, …fields}`: one of
// the six types where type and fields fit, else Custom. It is strict as [Decode]
// is, and like it says nothing of the content in an error. What it returns need
// not be fit to be emitted: Emit checks that.
func ParseEvent(text []byte) (Event, error) {
	n, err := parseObject(text, false)
	if err != nil {
		return nil, errors.Join(errors.New("event: not in the form of docs/SPEC.md, section 6.3"), err)
	}
	typ, fields, err := eventMembers(n)
	if err != nil {
		return nil, errors.Join(errors.New("event: not in the form of docs/SPEC.md, section 6.3"), err)
	}
	return eventOf(typ, fields), nil
}

// eventOf returns the event of that type with those fields. A field that is
// missing where it may be unset is unset, and an integer stands for a double;
// a field that the type does not have, or that is of another kind, makes it
// Custom. The Entry's attributes hold the fields exactly in either case.
func eventOf(typ string, fields []attribute.KeyValue) Event {
	f := fieldReader{fields: fields, fits: true}
	var e Event
	switch typ {
	case typeSessionCreated:
		e = SessionCreated{
			RoleARN:        f.str("role_arn"),
			TTLSeconds:     f.seconds("ttl_seconds"),
			Budget:         f.optFloat("budget"),
			AllowedActions: f.strs("allowed_actions"),
			Command:        f.strs("command"),
			AgentID:        f.optStr("agent_id"),
		}
	case typeCredentialsIssued:
		e = CredentialsIssued{AccessKeyID: f.str("access_key_id"), ExpiresAt: f.time("expires_at")}
	case typeSessionEnded:
		e = SessionEnded{Status: f.str("status"), DurationSeconds: f.int("duration_seconds"), ExitCode: f.optInt32("exit_code")}
	case typeBudgetWarning:
		e = BudgetWarning{CurrentSpend: f.float("current_spend"), Limit: f.float("limit")}
	case typeBudgetExceeded:
		e = BudgetExceeded{FinalSpend: f.float("final_spend"), Limit: f.float("limit")}
	case typeResourceCreated:
		e = ResourceCreated{Service: f.str("service"), ResourceType: f.str("resource_type"), Identifier: f.str("identifier")}
	default:
		return Custom{Type: typ, Fields: fields}
	}
	if !f.fits || f.used != len(fields) {
		return Custom{Type: typ, Fields: fields}
	}
	return e
}

// fieldReader takes typed fields out of a list and notes whether all fit.
type fieldReader struct {
	fields []attribute.KeyValue
	used   int
	fits   bool
}

func (f *fieldReader) get(name attribute.Key, optional bool) attribute.Value {
	for _, kv := range f.fields {
		if kv.Key == name {
			f.used++
			return kv.Value
		}
	}
	f.fits = f.fits && optional
	return attribute.Value{}
}

func (f *fieldReader) must(ok bool) { f.fits = f.fits && ok }

func (f *fieldReader) str(name attribute.Key) string {
	v := f.get(name, false)
	f.must(v.Type() == attribute.STRING)
	return v.AsString()
}

func (f *fieldReader) optStr(name attribute.Key) string {
	v := f.get(name, true)
	f.must(v.Type() == attribute.STRING || v.Type() == attribute.EMPTY)
	return v.AsString()
}

func (f *fieldReader) strs(name attribute.Key) []string {
	v := f.get(name, false)
	if v.Type() == attribute.SLICE && len(v.AsSlice()) == 0 {
		return []string{}
	}
	f.must(v.Type() == attribute.STRINGSLICE)
	return v.AsStringSlice()
}

func (f *fieldReader) int(name attribute.Key) int64 {
	v := f.get(name, false)
	f.must(v.Type() == attribute.INT64)
	return v.AsInt64()
}

func (f *fieldReader) seconds(name attribute.Key) uint64 {
	i := f.int(name)
	f.must(i >= 0)
	return uint64(i)
}

func (f *fieldReader) optInt32(name attribute.Key) *int32 {
	v := f.get(name, true)
	if v.Type() == attribute.EMPTY {
		return nil
	}
	i := v.AsInt64()
	f.must(v.Type() == attribute.INT64 && i == int64(int32(i)))
	return new(int32(i))
}

func (f *fieldReader) float(name attribute.Key) float64 { return f.double(f.get(name, false)) }

func (f *fieldReader) optFloat(name attribute.Key) *float64 {
	v := f.get(name, true)
	if v.Type() == attribute.EMPTY {
		return nil
	}
	return new(f.double(v))
}

// double takes an integer too, where it is one that a double holds exactly.
func (f *fieldReader) double(v attribute.Value) float64 {
	if v.Type() == attribute.INT64 {
		i := v.AsInt64()
		f.must(i > -1<<53 && i < 1<<53)
		return float64(i)
	}
	f.must(v.Type() == attribute.FLOAT64)
	return v.AsFloat64()
}

func (f *fieldReader) time(name attribute.Key) time.Time {
	t, err := time.Parse(time.RFC3339Nano, f.str(name))
	f.must(err == nil)
	return t.UTC()
}
