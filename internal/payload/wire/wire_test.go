// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/google/uuid"
)

func TestLimitIsTheJournals(t *testing.T) {
	if DefaultMaxRecordBytes != journal.MaxRecordBytes {
		t.Errorf("the limit is %d here and %d in the journal", DefaultMaxRecordBytes, journal.MaxRecordBytes)
	}
}

// slowEscape is the rule for strings, letter by letter.
func slowEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch i := strings.IndexRune("\b\f\n\r\t\"\\", r); {
		case i >= 0:
			b.WriteString("\\" + string(`bfnrt"\`[i]))
		case r < 0x20:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "1234567", "12345678", "123456789abcdefg", "\x7f", "é", "12345678\x1f", "1234567\\", "\"2345678", "1234567\x80", "a\u2028b"} {
		f.Add(s)
	}
	for i := range 40 {
		for _, c := range []string{"\x1f", "\"", "\\", "\x80", "é", " ", "!", "\x7f"} {
			f.Add(strings.Repeat("~", i%20) + c + strings.Repeat(" ", i/2))
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := string(appendString(nil, s))
		if !utf8.ValidString(s) {
			var form struct {
				S []byte `json:"$string"`
			}
			if err := json.Unmarshal([]byte(got), &form); err != nil || string(form.S) != s {
				t.Fatalf("%q is written %s", s, got)
			}
			return
		}
		if want := `"` + slowEscape(s) + `"`; got != want {
			t.Fatalf("%q is written %s, want %s", s, got, want)
		}
		if clean(s) != (slowEscape(s) == s && len(s) == utf8.RuneCountInString(s)) {
			t.Fatalf("clean(%q) is %v", s, clean(s))
		}
	})
}

// FuzzJSON: what is embedded is JSON that every parser reads alike.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, `[]`, `{"a":1}`, `{"a":1,"a":2}`, `[1,-0.5e+3,"\ud83d\ude00\"\/",true,false,null]`, `{"a":{"a":[{}]}}`,
		`[01]`, `[.5]`, `[1.]`, `[1e]`, `[-]`, `[tru]`, `["\x"]`, `["\u12g4"]`, `[1 2]`, `{"a"}`, `{a:1}`, `[1,]`, `{,}`, `[ 1 , 2 ]`, "[\t]", "[\"\x01\"]", `[]]`, `[[]`,
		`{"\ud800":1,"\ud801":2}`, `["\ud83d"]`, `["\ude00\ud83d"]`, `["\uD83D\uDE00"]`, `["\ud83d\u"]`, `["\u00A9"]`, "[\"\\u\x10\x10\x10\x10\"]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !strictJSON(s) {
			// Refused for a reason: no JSON, no object or array, spaces
			// around it, control bytes, a duplicate key, half a surrogate
			// pair or the depth.
			if json.Valid([]byte(s)) && utf8.ValidString(s) && bracketed(s) && strings.IndexFunc(s, func(r rune) bool { return r < 0x20 }) < 0 &&
				!strings.Contains(s, ":") && !strings.Contains(strings.ToLower(s), `\ud`) && strings.Count(s, "[") <= jsonDepth {
				t.Fatalf("%q is refused", s)
			}
			return
		}
		if !json.Valid([]byte(s)) || !utf8.ValidString(s) || strings.IndexFunc(s, func(r rune) bool { return r < 0x20 }) >= 0 {
			t.Fatalf("%q is taken", s)
		}
		if dec := json.NewDecoder(strings.NewReader(s)); countKeys(t, dec) != countUnique(t, s) {
			t.Fatalf("%q has a key twice", s)
		}
	})
}

// countKeys counts the keys as they stand, countUnique those that are left
// when a parser has made maps of them.
func countKeys(t *testing.T, d *json.Decoder) (n int) {
	d.UseNumber()
	var walk func()
	walk = func() {
		tok, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch tok {
		case json.Delim('{'):
			for d.More() {
				if _, err := d.Token(); err != nil {
					t.Fatal(err)
				}
				n++
				walk()
			}
			_, _ = d.Token()
		case json.Delim('['):
			for d.More() {
				walk()
			}
			_, _ = d.Token()
		}
	}
	walk()
	return n
}

func countUnique(t *testing.T, s string) (n int) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, e := range v {
				n++
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return n
}

func TestJSONDepth(t *testing.T) {
	for _, n := range []int{63, 64, 65, 100_000} {
		for _, s := range []string{strings.Repeat("[", n) + strings.Repeat("]", n), strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1)} {
			if strictJSON(s) != (n <= 64) {
				t.Errorf("%d deep: %v", n, n > 64)
			}
		}
	}
}

func FuzzDouble(f *testing.F) {
	for _, v := range []float64{0, 1, -1, 0.1, 1e15, 1e15 - 1, 1e16, 1e20, 1e21, 1e-6, 9.99e-7, 1e-7, 1e-10, 1e-100, math.MaxFloat64, 5e-324, 123456.789, math.Copysign(0, -1), math.NaN(), math.Inf(-1)} {
		f.Add(math.Float64bits(v))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		v := math.Float64frombits(bits)
		got := string(appendDouble(nil, v))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			if !strings.HasPrefix(got, `{"$double":"`) {
				t.Fatalf("%v is written %s", v, got)
			}
			return
		}
		back, err := strconv.ParseFloat(got, 64)
		if err != nil || math.Float64bits(back) != bits {
			t.Fatalf("%v is written %s", v, got)
		}
		if !strings.ContainsAny(got, ".e") || !json.Valid([]byte(got)) {
			t.Fatalf("%v is written %s, which is an integer or no JSON", v, got)
		}
	})
}

func TestClock(t *testing.T) {
	var c clock
	check := func(ns uint64) {
		want := time.Unix(int64(ns/1e9), int64(ns%1e9)).UTC().Format("2006-01-02T15:04:05.000000000Z")
		if got := string(c.append(nil, ns)); got != want {
			t.Fatalf("%d is written %s, want %s", ns, got, want)
		}
	}
	for day := range uint64(213_503) { // every day until 2554
		check(day*86_400_000_000_000 + day*day%86_400_000_000_000)
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 100_000 {
		check(rnd.Uint64())
	}
	check(0)
	check(math.MaxUint64)
	check(math.MaxUint64 - 1)
}

func FuzzUUID(f *testing.F) {
	f.Add("019a0000-0000-7000-8000-0000000000aa")
	f.Add("019A0000-0000-7000-8000-0000000000AA")
	f.Add("019a0000-0000-7000-8000-0000000000a-")
	f.Add("019a0000-0000-7000-8000-0000000000a\xff")
	f.Add("{19a0000-0000-7000-8000-0000000000aa")
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := canonicalUUID(s)
		want, err := uuid.Parse(s)
		if wantOK := err == nil && want.String() == s; ok != wantOK || ok && id != want {
			t.Fatalf("%q: %v %v", s, id, ok)
		}
		if ok && string(appendUUID(nil, &id)) != s {
			t.Fatalf("%q is written %s", s, appendUUID(nil, &id))
		}
	})
}

func TestNewID(t *testing.T) {
	e := entropy{source: bytes.NewReader(bytes.Repeat([]byte{0xff}, 8192))}
	const ns = 1_795_428_900_123_456_789
	id := e.newID(ns)
	if id.Version() != 7 || id.Variant() != uuid.RFC4122 || idTime(&id) != ns/1_000_000*1_000_000 {
		t.Errorf("id %v, of version %d, at %d", id, id.Version(), idTime(&id))
	}
	if got := id.String(); got != "01a207e6-dd1b-7fff-bfff-ffffffffffff" {
		t.Errorf("id %s", got)
	}
}

// Entropy hands out every byte once, in order, and goes on when a test's
// reader ends.
func TestEntropy(t *testing.T) {
	src := make([]byte, 8192)
	rnd := rand.New(rand.NewPCG(7, 8))
	for i := range src {
		src[i] = byte(rnd.Uint32())
	}
	e := entropy{source: bytes.NewReader(src)}
	var got []byte
	for len(got) < 8192 {
		got = append(got, e.take(16)...)
	}
	if !bytes.Equal(got, src) {
		t.Error("bytes were left out, or came twice")
	}
	if more := e.take(16); bytes.Equal(more, make([]byte, 16)) || bytes.Equal(more, src[:16]) {
		t.Errorf("behind the end of the source: %x", more)
	}
}

func TestDuplicates(t *testing.T) {
	w := NewWriter(Options{})
	for _, n := range []int{0, 1, 2, few - 1, few, few + 1, 500} {
		for twice := -1; twice < n-1; twice += max(1, n/7) {
			w.Pop(0)
			for i := range n {
				w.Push(w.Root(), fmt.Sprintf("key%d", i%60*1000+i))
			}
			if twice >= 0 {
				w.keys[n-1].name = strings.Clone(w.keys[twice].name)
			}
			if got := w.Form(0) == FormPairs; got != (twice >= 0) {
				t.Errorf("%d keys, %d twice: pairs %v", n, twice, got)
			}
		}
	}
}

// The bytes of two writers, and those of one over time, differ; and each bit
// is set about half of the time.
func TestKeystream(t *testing.T) {
	a, b := newKeystream(), newKeystream()
	var first, second, other [4096]byte
	for _, r := range []struct {
		k   keystream
		buf *[4096]byte
	}{{a, &first}, {a, &second}, {b, &other}} {
		if n, err := r.k.Read(r.buf[:]); n != len(r.buf) || err != nil {
			t.Fatal(n, err)
		}
	}
	if first == second || first == other || second == other {
		t.Error("bytes are repeated")
	}
	ones := 0
	for _, c := range first {
		ones += bits.OnesCount8(c)
	}
	// 32,768 bits: 6 standard deviations are 543.
	if ones < 16384-543 || ones > 16384+543 {
		t.Errorf("%d of 32768 bits are set", ones)
	}
}
