// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"

	"github.com/auditchain/auditchain/audit"
)

var sameValue = cmp.Comparer(func(a, b attribute.Value) bool { return a == b })

var (
	goldenID   = uuid.MustParse("019aab30-1c2d-7e3f-8a4b-5c6d7e8f9a0b")
	goldenTime = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
)

func kv(key string, v attribute.Value) attribute.KeyValue {
	return attribute.KeyValue{Key: attribute.Key(key), Value: v}
}

// golden are the payloads in testdata/current, written by hand from docs/SPEC.md.
func golden() map[string]audit.Entry {
	str := attribute.StringValue
	values := []attribute.KeyValue{
		attribute.Int64("big", math.MaxInt64),
		attribute.Int64("small", math.MinInt64),
		attribute.Int("one", 1),
		attribute.Float64("one_point", 1),
		attribute.Float64("exp", 1e21),
		attribute.Float64("minus_zero", math.Copysign(0, -1)),
		attribute.Float64("tiny", math.SmallestNonzeroFloat64),
		attribute.Float64("nan", math.NaN()),
		attribute.Float64("inf", math.Inf(1)),
		attribute.Float64("ninf", math.Inf(-1)),
		attribute.ByteSlice("bytes", []byte{0, 1, 255}),
		attribute.String("bad", "ab\xff"),
		kv("null", attribute.Value{}),
		attribute.Bool("yes", true),
		attribute.Bool("no", false),
		attribute.String("esc", "\"\\/\b\f\n\r\t\x01é😀"),
		attribute.Slice("list", attribute.Int64Value(1), str("a"), attribute.Value{}, attribute.BoolSliceValue([]bool{true})),
		attribute.StringSlice("strings", []string{"a", "b"}),
		attribute.Int64Slice("ints", []int64{1, 2}),
		attribute.Float64Slice("doubles", []float64{1, 2.5}),
		attribute.BoolSlice("bools", []bool{true, false}),
		attribute.Slice("none"),
		attribute.Map("map", attribute.Int("a", 1), attribute.Map("b", attribute.String("c", "d"))),
		attribute.Map("empty_map"),
		attribute.Map("dollar", attribute.String("$bytes", "not bytes")),
		attribute.Map("two_dollars", attribute.Int("$a", 1), attribute.Int("$b", 2)),
		attribute.Map("pairs", attribute.Int("k", 1), attribute.Int("k", 2), kv("\xff", attribute.Value{})),
	}
	prefixed := make([]attribute.KeyValue, len(values))
	for i, v := range values {
		prefixed[i] = attribute.KeyValue{Key: "audit.event." + v.Key, Value: v.Value}
	}
	id := attribute.String("audit.record.id", goldenID.String())

	return map[string]audit.Entry{
		"session_ended": {
			Timestamp:    goldenTime.Add(123456789),
			SessionID:    "0b6d8c1e-2f3a-4b5c-8d6e-7f8091a2b3c4",
			Provider:     audit.GCP,
			Type:         "session_ended",
			Event:        audit.SessionEnded{Status: "completed", DurationSeconds: 12, ExitCode: new(int32(0))},
			EventName:    "audit.session_ended",
			ID:           goldenID,
			Severity:     log.SeverityInfo,
			SeverityText: "INFO",
			TraceID:      [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
			SpanID:       [8]byte{0, 1, 2, 3, 4, 5, 6, 7},
			Flags:        1,
			Body:         str("session ended: completed"),
			Resource: audit.Resource{
				Attributes: []attribute.KeyValue{attribute.String("service.name", "audex")},
				SchemaURL:  "https://opentelemetry.io/schemas/1.43.0",
			},
			Scope: audit.Scope{Name: "github.com/auditchain/auditchain/audit", Version: "1.2.3"},
			Attributes: []attribute.KeyValue{
				attribute.String("audit.event.status", "completed"),
				attribute.Int("audit.event.duration_seconds", 12),
				attribute.Int("audit.event.exit_code", 0),
				id,
				attribute.String("session.id", "0b6d8c1e-2f3a-4b5c-8d6e-7f8091a2b3c4"),
				attribute.String("cloud.provider", "gcp"),
				attribute.String("log.record.uid", goldenID.String()),
				attribute.Int("process.exit.code", 0),
			},
			Redacted: map[string]int64{"aws-access-key-id": 2, "jwt": 1},
			Observed: goldenTime.Add(123460000),
		},
		"values": {
			Timestamp:  goldenTime,
			Provider:   audit.AWS, // the default
			Type:       "all_values",
			Event:      audit.Custom{Type: "all_values", Fields: values},
			EventName:  "audit.all_values",
			ID:         goldenID,
			Attributes: append(prefixed, id),
		},
		// The record's own provider differs from the resource's, its session
		// is the resource's, it has two ids, and no time.
		"lifted": {
			Timestamp: goldenTime,
			SessionID: "s",
			Provider:  audit.Azure,
			Type:      "x",
			Event:     audit.Custom{Type: "x"},
			EventName: "audit.x",
			ID:        goldenID,
			Body:      attribute.MapValue(attribute.Int("a", 1)),
			Resource: audit.Resource{
				Attributes: []attribute.KeyValue{attribute.String("session.id", "s"), attribute.String("cloud.provider", "aws")},
				Dropped:    3,
			},
			Scope: audit.Scope{Attributes: []attribute.KeyValue{attribute.Bool("$x", true)}, Dropped: 4},
			Attributes: []attribute.KeyValue{
				attribute.String("cloud.provider", "azure"),
				id,
				attribute.String("audit.record.id", "other"),
				attribute.Int("k", 1),
			},
			Dropped: 5,
			Filled:  []string{"timestamp"},
		},
		"log": {
			Timestamp: goldenTime,
			Provider:  "alibaba_cloud",
			Type:      "log",
			ID:        uuid.MustParse("019aab30-1c2d-8e3f-8a4b-5c6d7e8f9a0b"),
			Body:      str(` {"Records":[ {"n":123456789012345678901234567890,"$x":1} ]} `),
			JSONBody:  true,
			Attributes: []attribute.KeyValue{
				attribute.String("cloud.provider", "alibaba_cloud"),
				attribute.String("log.record.uid", "ulid"),
				attribute.Int("audit.event.x", 1),
			},
			Filled: []string{"id"},
		},
		// Only the prefix makes an audit event.
		"named": {
			Timestamp:  goldenTime,
			Type:       "session_created",
			EventName:  "session_created",
			ID:         goldenID,
			Body:       attribute.SliceValue(str("a"), attribute.Float64Value(1.5)),
			Attributes: []attribute.KeyValue{id},
		},
		// The event that a journal writes for a record that it refused.
		"rejected": {
			Timestamp:    goldenTime,
			Type:         "rejected",
			Event:        audit.Custom{Type: "rejected", Fields: []attribute.KeyValue{attribute.String("reason", "too_large"), attribute.Int("bytes", 67108865)}},
			EventName:    "audit.rejected",
			ID:           goldenID,
			Severity:     log.SeverityWarn,
			SeverityText: "WARN",
			Body:         str("record refused: too_large"),
			Attributes:   []attribute.KeyValue{attribute.String("audit.event.reason", "too_large"), attribute.Int("audit.event.bytes", 67108865), id},
		},
		// Whoever sends a record of that name has not refused anything.
		"rejected_sent": {
			Timestamp:    goldenTime,
			Type:         "audit.rejected",
			EventName:    "audit.rejected",
			ID:           goldenID,
			Severity:     log.SeverityWarn,
			SeverityText: "WARN",
			Body:         str("record refused: too_large"),
			Attributes: []attribute.KeyValue{
				id, attribute.String("audit.event.reason", "too_large"), attribute.String("audit.event.type", "x")},
		},
		"control": {
			Kind:      audit.KindControl,
			Timestamp: goldenTime,
			Control: &audit.Control{Name: "chain.opened", Time: goldenTime, Fields: []attribute.KeyValue{
				attribute.String("writer", "5c0e0000-0000-4000-8000-000000000000"),
				attribute.String("host", "h"), attribute.Int("pid", 7), attribute.String("version", "1"), attribute.String("fsync", "always"),
			}},
		},
		"erased": {Kind: audit.KindErased, Erased: [32]byte{1: 0xff, 31: 1}},
	}
}

func goldenPayload(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "current", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b, []byte{'\n'})
}

func TestDecodeGolden(t *testing.T) {
	want := golden()
	files, err := filepath.Glob(filepath.Join("testdata", "current", "*.json"))
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d files, %d expectations, error %v", len(files), len(want), err)
	}
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			object := goldenPayload(t, name)
			// A payload has no brace at its end, the object has.
			for _, b := range [][]byte{object[:len(object)-1], object} {
				got, err := audit.Decode(b)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, sameValue); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			text, err := want.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte(`"blind"`)) {
				t.Errorf("it holds the blind: %s", text)
			}
			back, err := audit.Decode(text)
			if err != nil {
				t.Fatalf("%v in %s", err, text)
			}
			if diff := cmp.Diff(want, back, sameValue); diff != "" {
				t.Errorf("through MarshalJSON (-want +got):\n%s", diff)
			}
		})
	}
}

// What MarshalJSON writes is the line without its blind.
func TestEntryMarshalJSON(t *testing.T) {
	for _, name := range []string{"session_ended", "lifted", "log", "named", "rejected", "rejected_sent", "control", "erased"} {
		object := goldenPayload(t, name)
		e, err := audit.Decode(object)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Replace(object, []byte(`,"blind":"AAECAwQFBgcICQoLDA0ODw"`), nil, 1)
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	e := golden()["log"]
	e.Body = attribute.StringValue(`{"a":1`)
	if text, err := e.MarshalJSON(); err == nil {
		t.Errorf("a JSON body that is no JSON gave %s", text)
	}
}

func TestDecodeRefuses(t *testing.T) {
	valid := string(goldenPayload(t, "session_ended"))
	change := func(old, new string) string {
		t.Helper()
		if !strings.Contains(valid, old) {
			t.Fatalf("no %s in the golden payload", old)
		}
		return strings.Replace(valid, old, new, 1)
	}
	named := string(goldenPayload(t, "named"))
	log := string(goldenPayload(t, "log"))
	rejected := string(goldenPayload(t, "rejected_sent"))
	deep := strings.Repeat("[", 10001) + strings.Repeat("]", 10001)
	for name, text := range map[string]string{
		"nothing":                     "",
		"no object":                   `[]`,
		"another beginning":           `{"id":"x"}`,
		"another case":                `{"Timestamp":"2026-11-23T10:15:00.000000000Z"}`,
		"key in another case":         change(`"session_id"`, `"Session_ID"`),
		"key twice":                   change(`"flags":1`, `"flags":1,"flags":1`),
		"key twice, escaped":          change(`"flags":1`, `"flags":1,"\u0066lags":1`),
		"key twice, many before":      change(`"blind":`, `"observed":"2026-11-23T10:15:00.123460000Z","blind":`),
		"key twice in an event":       change(`"exit_code":0`, `"exit_code":0,"exit_code":0`),
		"the journal's own, sent":     strings.Replace(rejected, `"type":"audit.rejected"`, `"type":"rejected"`, 1),
		"key twice in a JSON body":    strings.Replace(log, `"n":`, `"$x":`, 1),
		"unknown member":              change(`"flags"`, `"flagz"`),
		"seq":                         change(`"flags":1`, `"seq":1`),
		"hmac":                        change(`"flags":1`, `"hmac":"x"`),
		"no session":                  change(`"session_id":"0b6d8c1e-2f3a-4b5c-8d6e-7f8091a2b3c4",`, ``),
		"no id":                       change(`"id":"019aab30-1c2d-7e3f-8a4b-5c6d7e8f9a0b",`, ``),
		"id in upper case":            change(`"id":"019aab30`, `"id":"019AAB30`),
		"id is no UUID":               change(`"id":"019aab30`, `"id":"urn:uuid:019aab30`),
		"eight fractional digits":     change(`123456789Z`, `12345678Z`),
		"comma in a time":             change(`00.123456789Z`, `00,123456789Z`),
		"another zone":                change(`123456789Z`, `123456789+00:00`),
		"no such day":                 change(`2026-11-23`, `2026-11-31`),
		"severity is a double":        change(`"severity":9`, `"severity":9.0`),
		"severity too large":          change(`"severity":9`, `"severity":9000000000`),
		"flags negative":              change(`"flags":1`, `"flags":-1`),
		"flags too large":             change(`"flags":1`, `"flags":4294967296`),
		"trace id in upper case":      change(`0a0b0c0d0e0f`, `0A0B0C0D0E0F`),
		"trace id short":              change(`0a0b0c0d0e0f`, `0a0b0c0d0e`),
		"event is no object":          change(`{"type":"session_ended","status":"completed","duration_seconds":12,"exit_code":0}`, `"x"`),
		"event without a type":        change(`"type":"session_ended",`, ``),
		"event with an empty type":    change(`"type":"session_ended"`, `"type":""`),
		"event with a type of 1":      change(`"type":"session_ended"`, `"type":1`),
		"field without a name":        change(`"status"`, `""`),
		"integer too large":           change(`"exit_code":0`, `"exit_code":9223372036854775808`),
		"double too large":            change(`"exit_code":0`, `"exit_code":1e999`),
		"leading zero":                change(`"exit_code":0`, `"exit_code":00`),
		"no digit after the point":    change(`"exit_code":0`, `"exit_code":0.`),
		"plus":                        change(`"exit_code":0`, `"exit_code":+1`),
		"NaN":                         change(`"exit_code":0`, `"exit_code":NaN`),
		"unknown form":                change(`"exit_code":0`, `"exit_code":{"$int":"0"}`),
		"unknown double":              change(`"exit_code":0`, `"exit_code":{"$double":"1"}`),
		"bad base64":                  change(`"exit_code":0`, `"exit_code":{"$bytes":"AB=="}`),
		"a map form without a map":    change(`"exit_code":0`, `"exit_code":{"$map":[]}`),
		"a pair of three":             change(`"exit_code":0`, `"exit_code":{"$pairs":[["a",1,2]]}`),
		"a pair without a key":        change(`"exit_code":0`, `"exit_code":{"$pairs":[[1,2]]}`),
		"a lone surrogate":            change(`completed"`, `\ud83d"`),
		"a surrogate and no other":    change(`completed"`, `\ud83d\u0041"`),
		"an escape cut short":         change(`completed"`, `\u00"`),
		"an unknown escape":           change(`completed"`, `\x"`),
		"a control byte in a string":  change(`completed`, "comp\tleted"),
		"a control byte between":      change(`,"flags"`, ",\n\"flags\""),
		"not UTF-8":                   change(`completed`, "comp\xffleted"),
		"resource is a list":          change(`"resource":{"attributes":{"service.name":"audex"},"schema_url":"https://opentelemetry.io/schemas/1.43.0"}`, `"resource":[]`),
		"unknown member of resource":  change(`"schema_url"`, `"schema_uri"`),
		"redacted is a list":          change(`"redacted":{"aws-access-key-id":2,"jwt":1}`, `"redacted":[]`),
		"redacted counts below 0":     change(`"jwt":1`, `"jwt":-1`),
		"filled is unknown":           change(`"observed"`, `"filled":["x"],"observed"`),
		"filled twice":                change(`"observed"`, `"filled":["id","id"],"observed"`),
		"blind short":                 change(`"blind":"AAEC`, `"blind":"`),
		"body_form unknown":           change(`"scope"`, `"body_form":"xml","scope"`),
		"body_form of a string":       change(`"scope"`, `"body_form":"json","scope"`),
		"body untyped":                strings.Replace(log, `,"body_form":"json"`, ``, 1),
		"something behind":            valid + `x`,
		"two objects":                 valid + valid,
		"a comma at the end":          valid[:len(valid)-1] + `,}`,
		"cut in a string":             valid[:40],
		"cut in an object":            change(`"exit_code":0}`, `"exit_code":0`),
		"too deep":                    change(`"exit_code":0`, `"exit_code":`+deep),
		"event_name of an audit name": strings.Replace(named, `"event_name":"`, `"event_name":"audit.`, 1),
		"event_name and another type": strings.Replace(named, `"event_name":"`, `"event_name":"x`, 1),
		"event_name and type log":     strings.Replace(named, `"type":"session_created"`, `"type":"log"`, 1),
		"event_name and fields":       strings.Replace(named, `"type":"session_created"`, `"type":"session_created","a":1`, 1),
		"erased and more":             `{"erased":"00ff000000000000000000000000000000000000000000000000000000000001","x":1}`,
		"erased in upper case":        `{"erased":"00FF000000000000000000000000000000000000000000000000000000000001"}`,
		"control without a time":      `{"control":"chain.x"}`,
		"control with another order":  `{"control":"chain.x","pid":1,"time":"2026-11-23T10:15:00.000000000Z"}`,
		"control with seq":            `{"control":"chain.x","time":"2026-11-23T10:15:00.000000000Z","seq":1}`,
		"older and more":              `{"timestamp":"2026-01-02T03:04:06Z","session_id":"s","event":{"type":"x"},"body":"y"}`,
		"older time in a current one": change(`.123456789Z`, `Z`),
	} {
		t.Run(name, func(t *testing.T) {
			e, err := audit.Decode([]byte(text))
			if err == nil {
				t.Fatalf("it was read: %+v", e)
			}
			for _, content := range []string{"completed", "audex", "019aab30", "flagz"} {
				if strings.Contains(err.Error(), content) {
					t.Errorf("the error holds content: %v", err)
				}
			}
		})
	}
	if _, err := audit.Decode([]byte(valid)); err != nil {
		t.Errorf("the payload that all this began with: %v", err)
	}
}

// The types fit, or else the event is Custom with the fields as they stand.
func TestDecodeEventFits(t *testing.T) {
	created := audit.SessionCreated{RoleARN: "r", AllowedActions: []string{}, Command: []string{"a"}}
	for _, tt := range []struct {
		text string
		want audit.Event // nil: Custom
	}{
		{`{"type":"session_created","role_arn":"r","ttl_seconds":0,"budget":null,"allowed_actions":[],"command":["a"]}`, created},
		{`{"type":"session_created","command":["a"],"allowed_actions":[],"ttl_seconds":0,"role_arn":"r"}`, created},
		{`{"command":["a"],"allowed_actions":[],"ttl_seconds":0,"role_arn":"r","agent_id":null,"type":"session_created"}`, created},
		{`{"type":"session_created","role_arn":"r","ttl_seconds":-1,"budget":null,"allowed_actions":[],"command":["a"]}`, nil},
		{`{"type":"session_created","role_arn":"r","ttl_seconds":0,"budget":"1","allowed_actions":[],"command":["a"]}`, nil},
		{`{"type":"session_created","role_arn":"r","ttl_seconds":0,"budget":null,"allowed_actions":[],"command":["a",1]}`, nil},
		{`{"type":"session_created","role_arn":"r","ttl_seconds":0,"budget":null,"allowed_actions":[],"command":["a"],"more":1}`, nil},
		{`{"type":"session_ended","status":"failed","duration_seconds":-3,"exit_code":null}`, audit.SessionEnded{Status: "failed", DurationSeconds: -3}},
		{`{"type":"session_ended","status":"x","duration_seconds":1}`, audit.SessionEnded{Status: "x", DurationSeconds: 1}},
		{`{"type":"session_ended","status":"x","duration_seconds":1.0,"exit_code":0}`, nil},
		{`{"type":"session_ended","status":"x","duration_seconds":1,"exit_code":2147483648}`, nil},
		{`{"type":"budget_warning","current_spend":8.5,"limit":10}`, audit.BudgetWarning{CurrentSpend: 8.5, Limit: 10}},
		{`{"type":"budget_warning","current_spend":8.5,"limit":9007199254740993}`, nil},
		{`{"type":"budget_warning","current_spend":8.5}`, nil},
		{`{"type":"budget_exceeded","final_spend":11.0,"limit":10.0}`, audit.BudgetExceeded{FinalSpend: 11, Limit: 10}},
		{`{"type":"credentials_issued","access_key_id":"k","expires_at":"2026-11-23T11:15:00+01:00"}`, audit.CredentialsIssued{AccessKeyID: "k", ExpiresAt: goldenTime}},
		{`{"type":"credentials_issued","access_key_id":"k","expires_at":"soon"}`, nil},
		{`{"type":"credentials_issued","access_key_id":{"masked":1},"expires_at":"2026-11-23T11:15:00Z"}`, nil},
		{`{"type":"resource_created","service":"s3","resource_type":"bucket","identifier":"b"}`, audit.ResourceCreated{Service: "s3", ResourceType: "bucket", Identifier: "b"}},
		{`{"type":"resource_created","service":"s3","resource_type":"bucket","Identifier":"b"}`, nil},
		{`{"type":"Session_Ended"}`, nil},
	} {
		got, err := audit.ParseEvent([]byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if tt.want == nil {
			if _, ok := got.(audit.Custom); !ok {
				t.Errorf("%s: %#v, want Custom", tt.text, got)
			}
		} else if diff := cmp.Diff(tt.want, got, sameValue); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
	for _, text := range []string{``, `{}`, `{"type":1}`, `{"type":"a","":1}`, `{"type":"a"`, `{"type":"a","type":"a"}`, `{"a":{"$x":1},"type":"a"}`} {
		if e, err := audit.ParseEvent([]byte(text)); err == nil {
			t.Errorf("%s: %#v, want an error", text, e)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for name := range golden() {
		f.Add(goldenPayload(f, name))
	}
	for _, file := range []string{"signed", "unsigned"} {
		b, err := os.ReadFile(filepath.Join("testdata", "older", file+".jsonl"))
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(b) {
			line, _, _ = bytes.Cut(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\t'})
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := audit.Decode(payload)
		if err != nil {
			return
		}
		text, err := e.MarshalJSON()
		if err != nil {
			t.Fatalf("%v for %q", err, payload)
		}
		back, err := audit.Decode(text)
		if err != nil {
			t.Fatalf("%v for %q from %q", err, text, payload)
		}
		if diff := cmp.Diff(normal(e), normal(back), sameValue); diff != "" {
			t.Errorf("from %q (-first +second):\n%s", payload, diff)
		}
		again, err := back.MarshalJSON()
		if err != nil || !bytes.Equal(text, again) {
			t.Errorf("%v: %q, then %q", err, text, again)
		}
	})
}

// normal takes out what may differ between two payloads that say the same: the
// order of attributes, and an empty list where there is none.
func normal(e audit.Entry) audit.Entry {
	sorted := func(kvs []attribute.KeyValue) []attribute.KeyValue {
		v := attribute.MapValue(kvs...)
		return v.AsMap()
	}
	e.Attributes = sorted(e.Attributes)
	e.Resource.Attributes = sorted(e.Resource.Attributes)
	e.Scope.Attributes = sorted(e.Scope.Attributes)
	if c, ok := e.Event.(audit.Custom); ok {
		c.Fields = sorted(c.Fields)
		e.Event = c
	}
	if len(e.Redacted) == 0 {
		e.Redacted = nil
	}
	return e
}

func BenchmarkDecode(b *testing.B) {
	p := goldenPayload(b, "session_ended")
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := audit.Decode(p); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleDecode() {
	line := `{"timestamp":"2026-11-23T10:15:00.123456789Z","session_id":"0b6d","provider":"aws",` +
		`"event":{"type":"session_ended","status":"completed","duration_seconds":12,"exit_code":0},` +
		`"id":"019aab30-1c2d-7e3f-8a4b-5c6d7e8f9a0b","blind":"AAECAwQFBgcICQoLDA0ODw"`

	entry, err := audit.Decode([]byte(line))
	if err != nil {
		fmt.Println(err)
		return
	}
	switch e := entry.Event.(type) {
	case audit.SessionEnded:
		fmt.Println(entry.SessionID, e.Status, *e.ExitCode)
	case audit.Custom:
		fmt.Println(entry.SessionID, e.Type)
	}
	// Output: 0b6d completed 0
}
