// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/internal/payload/pdatapayload"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
)

// structures are JSON objects that say something of how they are redacted.
// Their values are the same as JSON, as attribute values and as pdata; but a map
// as an attribute value is sorted by its keys, so that none here depends on
// which of two names comes first.
var structures = []string{
	`{"name":"DB_PASSWORD","value":"hunter2hunter2"}`,
	`{"value":"hunter2hunter2","name":"DB_PASSWORD"}`,
	`{"a":"x","value":"hunter2hunter2","b":{"c":["d",1]},"key":"token"}`,
	`{"name":"Cookie","values":["a=hunter2hunter2","b=c"]}`,
	`{"values":["hunter2hunter2",7,true,null,"/run/secrets/x"],"name":"api_key"}`,
	`{"name":"Authorization","value":"Bearer hunter2hunter2"}`,
	`{"key":"password","value":{"stringValue":"hunter2hunter2"}}`,
	`{"key":"x","name":"password","value":7}`,
	`{"env":[{"name":"A","value":"b"},{"name":"A_SECRET","value":"hunter2hunter2"},{"value":"hunter2hunter2","name":"B_TOKEN"}]}`,
	`{"name":"replicas","value":"3"}`,
	`{"name":"password","other":"hunter2"}`,
	`{"value":{"name":"password"},"name":"x"}`,
	`{"secret":{"name":"a","value":"b"}}`,
	`{"credentials":{"name":"a","value":"b"}}`,
	`{"name":"existingSecret","value":"hunter2"}`,
	`{"ghp_0123456789abcdefghijABCDEFGHIJ012345":"x","a":"[REDACTED:token]"}`,
	`{"token.ghp_0123456789abcdefghijABCDEFGHIJ012345":"x"}`,
	`{"[REDACTED:github-token]":"x","password [REDACTED:token]":"y"}`,
	`{"password":{"ghp_0123456789abcdefghijABCDEFGHIJpublickey":"y"}}`,
	`{"kind":"Secret","apiVersion":"v1","data":{"foo":"aHVudGVyMmh1bnRlcjI="},"metadata":{"name":"x","labels":{"a":"b"}},"type":"Opaque"}`,
	`{"stringData":{"foo":"hunter2hunter2","n":7,"list":["hunter2hunter2"]},"kind":"Secret"}`,
	`{"kind":"ConfigMap","data":{"foo":"hunter2hunter2"}}`,
	`{"kind":"Secret","metadata":{"data":{"foo":"bar"}}}`,
	`{"requestObject":{"data":{"foo":"hunter2hunter2"},"immutable":true,"kind":"Secret"}}`,
	`{"secret":{"kind":"Secret","data":{"foo":"hunter2hunter2"}}}`,
	`{"env.0.name":"DB_PASSWORD","env.0.value":"hunter2hunter2","env.1.name":"LEVEL","env.1.value":"debug"}`,
	`{"env.0.value":{"a":"hunter2hunter2"},"env.0.key":"token","value":"x"}`,
	`{"argv":["mysql","-phunter2","--token","x",{"value":"z","name":"pwd"}]}`,
}

// value is a JSON value as OpenTelemetry has it.
func value(t *testing.T, text string) attribute.Value {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var read func() attribute.Value
	read = func() attribute.Value {
		tok, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case json.Delim:
			if tok == '[' {
				var list []attribute.Value
				for d.More() {
					list = append(list, read())
				}
				_, _ = d.Token()
				return attribute.SliceValue(list...)
			}
			var kvs []attribute.KeyValue
			for d.More() {
				k, _ := d.Token()
				kvs = append(kvs, attribute.KeyValue{Key: attribute.Key(k.(string)), Value: read()})
			}
			_, _ = d.Token()
			return attribute.MapValue(kvs...)
		case string:
			return attribute.StringValue(tok)
		case json.Number:
			n, _ := tok.Int64()
			return attribute.Int64Value(n)
		case bool:
			return attribute.BoolValue(tok)
		}
		return attribute.Value{}
	}
	return read()
}

// member is what stands behind name in a payload, as any JSON parser has it.
func member(t *testing.T, p []byte, name string) (v any, counts map[string]int) {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(append(slices.Clone(p), '}'), &m); err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(name, ".") {
		if v != nil {
			v = v.(map[string]any)[part]
			continue
		}
		if err := json.Unmarshal(m[part], &v); err != nil {
			t.Fatalf("%s: %v in %s", part, err, p)
		}
	}
	if m["redacted"] != nil {
		if err := json.Unmarshal(m["redacted"], &counts); err != nil {
			t.Fatal(err)
		}
	}
	return v, counts
}

// The same structure is masked alike as JSON text, as a map of any data model,
// and as the attributes of a record, a resource and a scope.
func TestStructuresAreMaskedAlike(t *testing.T) {
	o := redacting(t, redact.Config{})
	pdata := pdatapayload.New(o)
	masked := 0
	for _, text := range structures {
		base, _ := encodeWith(o, payload.LogRecord{Body: attribute.StringValue(text)})
		want, wantCounts := member(t, base.Payload, "body")
		if bytes.Contains(base.Payload, []byte(`"redacted"`)) {
			masked++
		}
		v := value(t, text)
		kvs := v.AsMap()
		for name, r := range map[string]payload.LogRecord{
			"body":                {Body: v},
			"attributes":          {Attributes: kvs},
			"attributes.a":        {Attributes: []attribute.KeyValue{{Key: "a", Value: v}}},
			"resource.attributes": {Resource: &payload.Group{Attributes: kvs}},
			"scope.attributes":    {Scope: &payload.Group{Attributes: kvs}},
		} {
			got, _ := encodeWith(o, r)
			res := pdata.Encode(payloadtest.ToLogs(t, r))
			if string(res.Records[0].Payload) != string(got.Payload) {
				t.Errorf("%s, %s: as pdata %s\nas attribute values %s", text, name, res.Records[0].Payload, got.Payload)
			}
			res.Release()
			v, counts := member(t, got.Payload, name)
			if diff := cmp.Diff(want, v); diff != "" {
				t.Errorf("%s, %s: not as JSON text (-text +got):\n%s", text, name, diff)
			}
			if diff := cmp.Diff(wantCounts, counts); diff != "" {
				t.Errorf("%s, %s: redacted (-text +got):\n%s", text, name, diff)
			}
			again, err := back(got.Payload)
			if err != nil {
				t.Fatal(err)
			}
			twice, maskedAgain := encodeWith(o, again)
			v2, counts2 := member(t, twice.Payload, name)
			if diff := cmp.Diff(v, v2) + cmp.Diff(counts, counts2); diff != "" || len(maskedAgain) != 0 {
				t.Errorf("%s, %s: redacted again it differs (%v):\n%s", text, name, maskedAgain, diff)
			}
		}
	}
	if masked < 10 {
		t.Errorf("only %d structures were masked", masked)
	}
}

// A list of many values, none of them named, is not looked through for each.
func TestManyPairValues(t *testing.T) {
	var kvs []attribute.KeyValue
	for range 50_000 {
		kvs = append(kvs, attribute.String("value", "hunter2hunter2"))
	}
	kvs = append(kvs, attribute.String("name", "password"))
	got, counts := encodeWith(redacting(t, redact.Config{}), payload.LogRecord{Attributes: kvs})
	if bytes.Contains(got.Payload, []byte("hunter2")) {
		t.Error("a value is not masked")
	}
	if diff := cmp.Diff([]redact.KindCount{{Kind: "password", N: 50_000}}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// What others masked stands in redacted, and is not counted as masked here.
func TestRedactedSaysWhatStandsThere(t *testing.T) {
	res := &payload.Group{Attributes: []attribute.KeyValue{attribute.String("session.id", "[REDACTED:token]")}}
	r := payload.LogRecord{
		EventName:    "audit.[REDACTED:token]",
		SeverityText: "[REDACTED:password]",
		Body:         attribute.StringValue(`{"a":"{\"password\":\"[REDACTED:password]\"}"}`),
		Attributes: []attribute.KeyValue{
			attribute.ByteSlice("bytes", []byte("-p [REDACTED:password]")),
			attribute.String("audit.event.note", "[REDACTED:jwt] [REDACTED:jwt]"),
			attribute.String("new", secret),
		},
		Resource: res, Scope: &payload.Group{Name: "[REDACTED:url-password]"},
	}
	got, counts := encodeWith(redacting(t, redact.Config{}), r)
	// The session id stands in the resource and is lifted.
	want := `,"redacted":{"github-token":1,"jwt":2,"password":3,"token":3,"url-password":1},`
	if !bytes.Contains(got.Payload, []byte(want)) {
		t.Errorf("no %s in %s", want, got.Payload)
	}
	if diff := cmp.Diff([]redact.KindCount{{Kind: "github-token", N: 1}}, counts); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}

	// So do those of the groups in the place of a refused record.
	r = payload.LogRecord{EventName: "audit.x", Attributes: []attribute.KeyValue{attribute.String("audit.event.type", "[REDACTED:jwt]")}, Resource: res}
	got, counts = encodeWith(redacting(t, redact.Config{}), r)
	if want := `,"redacted":{"token":2},`; !bytes.Contains(got.Payload, []byte(want)) || len(counts) != 0 {
		t.Errorf("no %s in %s, or %v masked", want, got.Payload, counts)
	}
}

// FuzzBody: whatever text the body is, audit.Decode gives it back, and what is
// redacted stays as it is.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		`{"a":"\ud800"}`, `{"\ud800":1}`, `{"\ud800":1,"\ud801":2}`, `["\udc00"]`, `["\ud83d\ude00"]`, `["\ud83d\ud83d\ude00"]`, `["\ude00\ud83d"]`,
		`["\ud83d"]`, `["\ud83d\n"]`, `["\ud83dude00"]`, `["\ud800"]`, `["\uD800\uDC00\uDBFF\uDFFF"]`, `["\ud7ff\ue000\ufffd"]`, `["\ud800\u0041"]`,
		`{"password":"x\ud800"}`, `{"a":"\ud800","password":"hunter2"}`, `{"a":1,"a":2}`, "[\"\xff\"]", "[\n]", strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		f.Add(s)
	}
	for _, s := range structures {
		f.Add(s)
	}
	r, err := redact.New(redact.Config{})
	if err != nil {
		f.Fatal(err)
	}
	o := payloadtest.Options()
	o.Redactor = r
	f.Fuzz(func(t *testing.T, v string) {
		rec := payload.LogRecord{Timestamp: 1, Body: attribute.StringValue(v)}
		got := encode(rec)
		if err := payloadtest.Check(got); err != nil {
			t.Fatal(err)
		}
		if e, err := audit.Decode(got.Payload); err != nil || e.Body.AsString() != v {
			t.Fatalf("%q does not come back: %v, %s", v, err, got.Payload)
		}
		masked, counts := encodeWith(o, rec)
		if err := payloadtest.Check(masked); err != nil {
			t.Fatal(err)
		}
		if len(counts) == 0 && !bytes.Contains(masked.Payload, []byte(`,"redacted":{`)) && string(masked.Payload) != string(got.Payload) {
			t.Fatalf("nothing was masked, and yet it is written\n%s\nand with no redactor\n%s", masked.Payload, got.Payload)
		}
		again, err := back(masked.Payload)
		if err != nil {
			t.Fatalf("%v\n%s", err, masked.Payload)
		}
		if twice, _ := encodeWith(o, again); content(twice.Payload) != content(masked.Payload) {
			t.Fatalf("redacted again it differs:\n%s\n%s", masked.Payload, twice.Payload)
		}
	})
}
