// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
)

const secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345"

func redacting(t testing.TB, c redact.Config) payload.Options {
	t.Helper()
	r, err := redact.New(c)
	if err != nil {
		t.Fatal(err)
	}
	o := payloadtest.Options()
	o.Redactor = r
	return o
}

func encodeWith(o payload.Options, r payload.LogRecord) (journal.Record, []redact.KindCount) {
	var b payload.Batch
	payload.NewEncoder(o).Append(&b, &r)
	return b.Records()[0], b.Redactions()
}

// A secret is masked wherever a sender can put one.
func TestSecretNowhere(t *testing.T) {
	group := func(f func(g *payload.Group)) *payload.Group {
		g := &payload.Group{}
		f(g)
		return g
	}
	m := attribute.MapValue
	attr := func(kvs ...attribute.KeyValue) payload.LogRecord { return payload.LogRecord{Attributes: kvs} }
	audit := func(kvs ...attribute.KeyValue) payload.LogRecord {
		return payload.LogRecord{EventName: "audit.x", Attributes: kvs}
	}
	for name, r := range map[string]payload.LogRecord{
		"severity text":       {SeverityText: secret},
		"event name":          {EventName: secret},
		"audit event name":    {EventName: "audit." + secret},
		"body":                {Body: attribute.StringValue("with " + secret)},
		"body map":            {Body: m(attribute.Slice("a", m(attribute.String("b", secret))))},
		"body key":            {Body: m(attribute.Int(secret, 1))},
		"body bytes":          {Body: attribute.ByteSliceValue([]byte("with " + secret))},
		"json body":           {Body: attribute.StringValue(`{"a":["` + secret + `"]}`)},
		"json body key":       {Body: attribute.StringValue(`{"` + secret + `":1}`)},
		"loose json body":     {Body: attribute.StringValue("{\n\"a\":\"" + secret + "\"}")},
		"json body, twice":    {Body: attribute.StringValue(`{"` + secret + `":1,"` + secret[:len(secret)-1] + `9":1}`)},
		"attribute":           attr(attribute.String("a", secret)),
		"attribute key":       attr(attribute.String(secret, "a")),
		"two attribute keys":  attr(attribute.String(secret, "a"), attribute.String(secret[:len(secret)-1]+"9", "a")),
		"attribute slice":     attr(attribute.StringSlice("a", []string{"x", secret})),
		"attribute not UTF-8": attr(attribute.String("a", "\xff "+secret)),
		"session id":          attr(attribute.String("session.id", secret)),
		"provider":            attr(attribute.String("cloud.provider", secret)),
		"session id twice":    attr(attribute.String("session.id", secret), attribute.String("session.id", secret)),
		"record id":           attr(attribute.String("audit.record.id", secret)),
		"uid":                 attr(attribute.String("log.record.uid", secret)),
		"field":               audit(attribute.String("audit.event.a", secret)),
		"field name":          audit(attribute.String("audit.event."+secret, "a")),
		"two field names":     audit(attribute.String("audit.event."+secret, "a"), attribute.String("audit.event."+secret[:len(secret)-1]+"9", "a")),
		"password field":      audit(attribute.String("audit.event.password", secret)),
		"argv":                audit(attribute.StringSlice("audit.event.command", []string{"login", "--password", secret})),
		"argv of any values":  audit(attribute.Slice("audit.event.command", attribute.StringValue("--password"), attribute.StringValue(secret))),
		"resource attribute":  {Resource: group(func(g *payload.Group) { g.Attributes = []attribute.KeyValue{attribute.String("a", secret)} })},
		"resource session":    {Resource: group(func(g *payload.Group) { g.Attributes = []attribute.KeyValue{attribute.String("session.id", secret)} })},
		"resource schema":     {Resource: group(func(g *payload.Group) { g.SchemaURL = "https://user:" + secret + "@h/" })},
		"scope name":          {Scope: group(func(g *payload.Group) { g.Name = secret })},
		"scope version":       {Scope: group(func(g *payload.Group) { g.Version = secret })},
		"scope schema":        {Scope: group(func(g *payload.Group) { g.SchemaURL = secret })},
		"scope attribute":     {Scope: group(func(g *payload.Group) { g.Attributes = []attribute.KeyValue{attribute.String("a", secret)} })},
	} {
		t.Run(name, func(t *testing.T) {
			o := redacting(t, redact.Config{})
			got, counts := encodeWith(o, r)
			if err := payloadtest.Check(got); err != nil {
				t.Error(err)
			}
			if shows(got.Payload, secret) {
				t.Errorf("the secret is in the payload: %s", got.Payload)
			}
			if !bytes.Contains(got.Payload, []byte(`"redacted":{`)) || len(counts) == 0 {
				t.Errorf("nothing says that something was masked: %s", got.Payload)
			}
			// What was redacted is still a record that reads back, and
			// redacting it again changes nothing.
			again, err := back(got.Payload)
			if err != nil {
				t.Fatalf("%v\n%s", err, got.Payload)
			}
			twice, counts := encodeWith(o, again)
			if content(twice.Payload) != content(got.Payload) {
				t.Errorf("redacted again it differs:\n%s\n%s", got.Payload, twice.Payload)
			}
			if len(counts) != 0 {
				t.Errorf("redacted again, %v is counted as masked", counts)
			}
		})
	}
}

// What is secret only for the argument before it.
func TestArgv(t *testing.T) {
	for name, argv := range map[string]attribute.Value{
		"strings": attribute.StringSliceValue([]string{"login", "--password", "hunter2hunter2", "--verbose"}),
		"values": attribute.SliceValue(attribute.StringValue("login"), attribute.StringValue("--password"),
			attribute.StringValue("hunter2hunter2"), attribute.StringValue("--verbose")),
	} {
		r := payload.LogRecord{EventName: "audit.x", Attributes: []attribute.KeyValue{{Key: "audit.event.command", Value: argv}}}
		got, _ := encodeWith(redacting(t, redact.Config{}), r)
		if want := `"event":{"type":"x","command":["login","--password","[REDACTED:password]","--verbose"]}`; !bytes.Contains(got.Payload, []byte(want)) {
			t.Errorf("%s: %s", name, got.Payload)
		}
	}
}

// content is what of a payload says what the record is, what was masked in it
// among that, and not how it came about.
func content(p []byte) string {
	s := string(p)
	for _, member := range []string{`,"filled":[`, `,"blind":"`} {
		if i := strings.LastIndex(s, member); i >= 0 {
			s = s[:i]
		}
	}
	return s[strings.Index(s, `,"session_id"`):]
}

func shows(p []byte, s string) bool {
	if bytes.Contains(p, []byte(s)) {
		return true
	}
	for off := range 3 {
		enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xff", off) + s))
		if bytes.Contains(p, []byte(enc[4:len(enc)-4])) {
			return true
		}
	}
	return false
}

// The counts of resource and scope belong to every record that carries them,
// those of a record to it alone.
func TestCounts(t *testing.T) {
	res := &payload.Group{Attributes: []attribute.KeyValue{attribute.String("a", secret), attribute.String("session.id", secret)}}
	scope := &payload.Group{Name: secret}
	enc := payload.NewEncoder(redacting(t, redact.Config{}))
	var b payload.Batch
	clean := payload.LogRecord{Body: attribute.StringValue("x")}
	for _, r := range []payload.LogRecord{
		{Resource: res, Scope: scope},
		{Resource: res, Attributes: []attribute.KeyValue{attribute.String("session.id", "own"), attribute.String("a", secret)}},
		clean,
		{Scope: scope, Attributes: []attribute.KeyValue{attribute.String("password", "hunter2hunter2")}},
		clean,
	} {
		enc.Append(&b, &r)
	}
	want := []string{
		`"redacted":{"github-token":4}`, // two in the resource, one lifted, one in the scope
		`"redacted":{"github-token":3}`,
		``,
		`"redacted":{"github-token":1,"password":1}`,
		``,
	}
	for i, r := range b.Records() {
		got := string(r.Payload)
		if want[i] == "" {
			if strings.Contains(got, "redacted") {
				t.Errorf("record %d: something was masked: %s", i, got)
			}
		} else if !strings.Contains(got, want[i]+",") {
			t.Errorf("record %d: no %s in %s", i, want[i], got)
		}
	}
	if diff := cmp.Diff([]redact.KindCount{{Kind: "github-token", N: 8}, {Kind: "password", N: 1}}, b.Redactions()); diff != "" {
		t.Errorf("sum (-want +got):\n%s", diff)
	}
}

// Lifting goes by what is written: two session ids that are masked alike are
// the same, so the record's stays where it is.
func TestLiftingGoesByWhatIsWritten(t *testing.T) {
	other := secret[:len(secret)-1] + "9"
	r := payload.LogRecord{
		Attributes: []attribute.KeyValue{attribute.String("session.id", secret)},
		Resource:   &payload.Group{Attributes: []attribute.KeyValue{attribute.String("session.id", other)}},
	}
	got, _ := encodeWith(redacting(t, redact.Config{}), r)
	if !bytes.Contains(got.Payload, []byte(`"attributes":{"session.id":"[REDACTED:github-token]"},"redacted"`)) {
		t.Errorf("the record's session id is lost: %s", got.Payload)
	}
	keyed := redact.Config{FingerprintKey: bytes.Repeat([]byte("k"), 32)}
	got, _ = encodeWith(redacting(t, keyed), r)
	if bytes.Contains(got.Payload, []byte(`}},"attributes"`)) {
		t.Errorf("fingerprints tell the two apart, and yet the attribute stays: %s", got.Payload)
	}
}

// A secret does not become an id by being hashed.
func TestSecretDeterminesNoID(t *testing.T) {
	r := payload.LogRecord{Attributes: []attribute.KeyValue{attribute.String("log.record.uid", secret)}}
	got, _ := encodeWith(redacting(t, redact.Config{}), r)
	if got.Idempotent {
		t.Errorf("the id is made of a secret: %s", got.Payload)
	}
}

func TestTooDeep(t *testing.T) {
	nest := func(n int, asMap bool) attribute.Value {
		v := attribute.StringValue("the bottom")
		for range n {
			if asMap {
				v = attribute.MapValue(attribute.KeyValue{Key: "k", Value: v})
			} else {
				v = attribute.SliceValue(v, attribute.Int64Value(1))
			}
		}
		return v
	}
	for _, o := range []payload.Options{payloadtest.Options(), redacting(t, redact.Config{}), redacting(t, redact.Config{MaxDepth: 20})} {
		for _, asMap := range []bool{true, false} {
			for _, n := range []int{10, 18, 19, 20, 21, 22, 62, 63, 64, 65, 66, 67, 1000} {
				v := nest(n, asMap)
				for name, r := range map[string]payload.LogRecord{
					"body": {Body: v}, "attribute": {Attributes: []attribute.KeyValue{{Key: "a", Value: v}}},
					"resource": {Resource: &payload.Group{Attributes: []attribute.KeyValue{{Key: "a", Value: v}}}},
				} {
					got, _ := encodeWith(o, r)
					if err := payloadtest.Check(got); err != nil {
						t.Fatalf("%s, %d deep: %v", name, n, err)
					}
					bottom := bytes.Contains(got.Payload, []byte("the bottom"))
					marker := bytes.Contains(got.Payload, []byte("[REDACTED:too-deep]"))
					if bottom == marker {
						t.Errorf("%s, %d deep: bottom %v, marker %v", name, n, bottom, marker)
					}
					if n <= 18 && !bottom || n >= 66 && bottom {
						t.Errorf("%s, %d deep: bottom %v", name, n, bottom)
					}
					if _, err := back(got.Payload); err != nil {
						t.Errorf("%s, %d deep: %v", name, n, err)
					}
				}
			}
		}
	}
}

// A redactor may be told to go deeper than a JSON body may nest.
func TestJSONBodyIsNotDeeperThanTheFormat(t *testing.T) {
	o := redacting(t, redact.Config{MaxDepth: 500})
	for _, n := range []int{64, 65, 400} {
		v := strings.Repeat(`[`, n) + strings.Repeat(`]`, n)
		got, _ := encodeWith(o, payload.LogRecord{Body: attribute.StringValue(v)})
		if embedded := bytes.Contains(got.Payload, []byte(`"body_form":"json"`)); embedded != (n <= 64) {
			t.Errorf("%d deep: embedded %v", n, embedded)
		}
		if r, err := back(got.Payload); err != nil || r.Body.AsString() != v {
			t.Errorf("%d deep: it does not read back: %v", n, err)
		}
	}
}

func TestHugeValues(t *testing.T) {
	big := strings.Repeat("x \"\n", 5<<20) // 20 MB
	got, _ := encodeWith(redacting(t, redact.Config{}), payload.LogRecord{Body: attribute.StringValue(big)})
	if err := payloadtest.Check(got); err != nil {
		t.Error(err)
	}
	if r, err := back(got.Payload); err != nil || r.Body.AsString() != big {
		t.Errorf("20 MB do not come back: %v", err)
	}
	got, _ = encodeWith(redacting(t, redact.Config{MaxValueBytes: 1000}), payload.LogRecord{Body: attribute.StringValue("[" + big + "]"),
		Attributes: []attribute.KeyValue{attribute.String("a", big)}})
	if err := payloadtest.Check(got); err != nil {
		t.Error(err)
	}
	if !bytes.Contains(got.Payload, []byte(`"body":"[REDACTED:too-large]",`)) || !bytes.Contains(got.Payload, []byte(`"a":"[REDACTED:too-large]"`)) {
		t.Errorf("what is too large to be looked at is not masked: %.300s", got.Payload)
	}
}

func TestManyAttributes(t *testing.T) {
	var kvs []attribute.KeyValue
	for i := range 10_000 {
		kvs = append(kvs, attribute.Int(fmt.Sprintf("audit.event.%d", i), i), attribute.Int(fmt.Sprintf("k%d", i), i))
	}
	for _, dup := range []bool{false, true} {
		r := payload.LogRecord{EventName: "audit.x", Timestamp: 1, Attributes: kvs, Body: attribute.MapValue(kvs...)}
		if dup {
			r.Attributes = append(r.Attributes, attribute.Int("k0", -1), attribute.Int("audit.event.0", -1))
			r.Body = attribute.MapValue(r.Attributes...)
		}
		got := encode(r)
		if err := payloadtest.Check(got); err != nil {
			t.Fatal(err)
		}
		if forms := bytes.Count(got.Payload, []byte(`"$pairs"`)); dup && forms != 2 || !dup && forms != 0 {
			t.Errorf("duplicates %v: %d maps as pairs", dup, forms)
		}
		b, err := back(got.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(viewOf(r), viewOf(b)); diff != "" {
			t.Errorf("read back (-want +got):\n%.500s", diff)
		}
	}
}
