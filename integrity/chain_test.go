// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

type chainVector struct {
	Key      string `json:"key"`
	KeyID    string `json:"key_id"`
	Chain    string `json:"chain_id"`
	MACKey   string `json:"mac_key"`
	HeadKey  string `json:"head_key"`
	HeadSlot string `json:"head_slot"`
	Lines    []struct {
		Payload string `json:"payload"`
		Seq     uint64 `json:"seq"`
		Leaf    Hash   `json:"leaf"`
		HMAC    Hash   `json:"hmac"`
		Line    string `json:"line"`
	} `json:"lines"`
}

func loadChain(t testing.TB) (chainVector, Key, ChainID) {
	t.Helper()
	b, err := os.ReadFile("testdata/chain.json")
	if err != nil {
		t.Fatal(err)
	}
	var v chainVector
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Lines) == 0 {
		t.Fatal("the vector has no lines")
	}
	k, err := ParseKey([]byte(v.Key))
	if err != nil {
		t.Fatal(err)
	}
	id, err := ParseChainID(v.Chain)
	if err != nil {
		t.Fatal(err)
	}
	return v, k, id
}

// The known answers were computed outside of this package.
func TestKnownAnswers(t *testing.T) {
	v, k, id := loadChain(t)
	if k.ID() != v.KeyID {
		t.Errorf("key id %s, want %s", k.ID(), v.KeyID)
	}
	if got := hex.EncodeToString(k.derive(macKeyInfo, id)); got != v.MACKey {
		t.Errorf("mac key %s, want %s", got, v.MACKey)
	}
	if got := hex.EncodeToString(k.derive(headKeyInfo, id)); got != v.HeadKey {
		t.Errorf("head key %s, want %s", got, v.HeadKey)
	}
	s := NewSealer(k, id)
	var h LeafHasher
	var prev Hash
	var size int64
	for _, want := range v.Lines {
		l, err := ParseLine([]byte(want.Line))
		if err != nil {
			t.Fatalf("seq %d: %v", want.Seq, err)
		}
		if string(l.Payload) != want.Payload || l.Seq != want.Seq || l.MAC != want.HMAC {
			t.Errorf("seq %d parsed as %q %d %s", want.Seq, l.Payload, l.Seq, l.MAC)
		}
		if got := l.Leaf(&h); got != want.Leaf {
			t.Errorf("seq %d: leaf %s, want %s", want.Seq, got, want.Leaf)
		}
		if got := s.MAC(prev, l.Seq, want.Leaf); got != want.HMAC {
			t.Errorf("seq %d: tag %s, want %s", want.Seq, got, want.HMAC)
		}
		if got := string(l.Append(nil)); got != want.Line+"\n" {
			t.Errorf("seq %d formatted as %q", want.Seq, got)
		}
		prev = want.HMAC
		size += int64(len(want.Line)) + 1
	}
	head := Head{Generation: 1, Chain: id, Position: Position{First: 1, Seq: uint64(len(v.Lines)), MAC: prev, Size: size}, Time: time.Date(2026, 11, 23, 10, 15, 1, 0, time.UTC)}
	if got := string(head.AppendSlot(nil, NewHeadKey(k, id))); got != v.HeadSlot {
		t.Errorf("slot\n%q, want\n%q", got, v.HeadSlot)
	}
}

type refused struct {
	name, line string
	want       error
}

func refusedLines() []refused {
	tag := strings.Repeat("a", 64)
	return []refused{
		{"empty", "", ErrNoSuffix},
		{"no suffix", `{"timestamp":"x"}`, ErrNoSuffix},
		{"no seq", `{"timestamp":"x","hmac":"` + tag + `"}`, ErrNoSuffix},
		{"seq 0", `{"timestamp":"x","seq":0,"hmac":"` + tag + `"}`, ErrBadSeq},
		{"leading zero", `{"timestamp":"x","seq":01,"hmac":"` + tag + `"}`, ErrBadSeq},
		{"sign", `{"timestamp":"x","seq":-1,"hmac":"` + tag + `"}`, ErrNoSuffix},
		{"point", `{"timestamp":"x","seq":1.0,"hmac":"` + tag + `"}`, ErrNoSuffix},
		{"empty seq", `{"timestamp":"x","seq":,"hmac":"` + tag + `"}`, ErrBadSeq},
		{"seq over 64 bits", `{"timestamp":"x","seq":18446744073709551616,"hmac":"` + tag + `"}`, ErrBadSeq},
		{"seq of 21 digits", `{"timestamp":"x","seq":100000000000000000000,"hmac":"` + tag + `"}`, ErrNoSuffix},
		{"upper case tag", `{"timestamp":"x","seq":1,"hmac":"` + strings.Repeat("A", 64) + `"}`, ErrBadTag},
		{"short tag", `{"timestamp":"x","seq":1,"hmac":"` + tag[1:] + `"}`, ErrNoSuffix},
		{"long tag", `{"timestamp":"x","seq":1,"hmac":"` + tag + `a"}`, ErrNoSuffix},
		{"space in the suffix", `{"timestamp":"x", "seq":1,"hmac":"` + tag + `"}`, ErrNoSuffix},
		{"something behind", `{"timestamp":"x","seq":1,"hmac":"` + tag + `"} `, ErrNoSuffix},
		{"carriage return", `{"timestamp":"x","seq":1,"hmac":"` + tag + "\"}\r", ErrNoSuffix},
		{"another beginning", `{"time":"x","seq":1,"hmac":"` + tag + `"}`, ErrBadKind},
		{"control of another kind", `{"control":"x","seq":1,"hmac":"` + tag + `"}`, ErrBadKind},
		{"space at the beginning", ` {"timestamp":"x","seq":1,"hmac":"` + tag + `"}`, ErrBadKind},
		{"tombstone with more", `{"erased":"` + tag + `","x":1,"seq":1,"hmac":"` + tag + `"}`, ErrBadKind},
		{"tombstone in upper case", `{"erased":"` + strings.Repeat("A", 64) + `","seq":1,"hmac":"` + tag + `"}`, ErrBadKind},
		{"NUL", "{\"timestamp\":\"\x00\",\"seq\":1,\"hmac\":\"" + tag + `"}`, ErrBadByte},
		{"tab, far in", `{"timestamp":"` + strings.Repeat("x", 100) + "\t" + `","seq":1,"hmac":"` + tag + `"}`, ErrBadByte},
	}
}

func TestParseLineRefuses(t *testing.T) {
	tag := strings.Repeat("a", 64)
	for _, c := range refusedLines() {
		if _, err := ParseLine([]byte(c.line)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	// The last suffix counts, and what looks like one inside does not.
	l, err := ParseLine([]byte(`{"timestamp":"x","body":",\"seq\":9,\"hmac\":\"` + tag + `\"}","seq":7,"hmac":"` + tag + `"}`))
	if err != nil || l.Seq != 7 {
		t.Errorf("%+v %v", l, err)
	}
	max := `{"timestamp":"x","seq":18446744073709551615,"hmac":"` + tag + `"}`
	if l, err := ParseLine([]byte(max)); err != nil || l.Seq != 1<<64-1 {
		t.Errorf("largest seq: %+v %v", l, err)
	}
}

func TestHasControlByte(t *testing.T) {
	for n := range 40 {
		clean := bytes.Repeat([]byte{0x20}, n)
		if hasControlByte(clean) {
			t.Errorf("%d spaces", n)
		}
		for i := range n {
			for c := range 256 {
				clean[i] = byte(c)
				if got, want := hasControlByte(clean), c < 0x20; got != want {
					t.Fatalf("byte %#x at %d of %d: %v", c, i, n, got)
				}
			}
			clean[i] = 0xff
		}
	}
}

func FuzzParseLine(f *testing.F) {
	v, _, _ := loadChain(f)
	for _, l := range v.Lines {
		f.Add([]byte(l.Line))
	}
	f.Add([]byte(`{"timestamp":"x","seq":10,"hmac":"` + strings.Repeat("0", 64) + `"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := ParseLine(b)
		if err != nil {
			return
		}
		if got := l.Append(nil); !bytes.Equal(got, append(bytes.Clone(b), '\n')) {
			t.Errorf("%q formats as %q", b, got)
		}
	})
}

func TestHeadSlots(t *testing.T) {
	_, k, id := loadChain(t)
	hk := NewHeadKey(k, id)
	at := func(gen uint64) Head {
		return Head{Generation: gen, Chain: id, KeyID: k.ID(), Position: Position{First: 1, Seq: 10 + gen, Size: 1000}, Time: time.Unix(1, 0).UTC()}
	}
	slot := func(gen uint64) []byte { return at(gen).AppendSlot(nil, hk) }
	file := func(even, odd []byte) []byte { return append(bytes.Clone(even), odd...) }
	blank := make([]byte, SlotSize)
	foreign := at(2)
	foreign.Chain = ChainID{9}
	foreignSlot := foreign.AppendSlot(nil, NewHeadKey(k, foreign.Chain))
	broken := slot(4)
	broken[100] ^= 1
	for _, c := range []struct {
		name     string
		b        []byte
		gen      uint64
		degraded bool
	}{
		{"first", file(blank, slot(1)), 1, false},
		{"second", file(slot(2), slot(1)), 2, false},
		{"third", file(slot(2), slot(3)), 3, false},
		{"even slot torn", file(broken, slot(3)), 3, true},
		{"odd slot torn", file(slot(4), blank), 4, true},
		{"odd slot cut", file(slot(4), slot(5)[:SlotSize-1]), 4, true},
		{"both torn", file(broken, blank), 0, false},
		{"swapped", file(slot(3), slot(2)), 0, false},
		{"older slot of the same journal in place of the newest", file(slot(2), slot(5)), 5, true},
		{"older slot in place of the newest, odd", file(slot(6), slot(1)), 6, true},
		{"slot of another journal under the same key", file(foreignSlot, slot(3)), 3, true},
		{"empty", nil, 0, false},
	} {
		h, degraded, err := ParseHead(c.b, k)
		if (err == nil) != (c.gen > 0) || h.Generation != c.gen || degraded != c.degraded {
			t.Errorf("%s: generation %d degraded %v %v", c.name, h.Generation, degraded, err)
		}
		if err != nil && !errors.Is(err, ErrNoHead) {
			t.Errorf("%s: %v is not ErrNoHead", c.name, err)
		}
		if err == nil && h != at(c.gen) {
			t.Errorf("%s: %+v, want %+v", c.name, h, at(c.gen))
		}
	}
	other, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ParseHead(file(slot(2), slot(3)), other); !errors.Is(err, ErrNoHead) {
		t.Errorf("another key: %v", err)
	}
	// Each byte of a slot counts.
	whole := file(slot(2), slot(3))
	for i := SlotSize; i < HeadSize; i++ {
		b := bytes.Clone(whole)
		b[i] ^= 1
		if h, _, err := ParseHead(b, k); err != nil || h.Generation != 2 {
			t.Fatalf("byte %d: %+v %v", i, h, err)
		}
	}
}

func FuzzParseHead(f *testing.F) {
	v, k, _ := loadChain(f)
	f.Add([]byte(strings.Repeat("\x00", SlotSize) + v.HeadSlot))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, _, err := ParseHead(b, k)
		if err == nil && !bytes.Contains(b, h.AppendSlot(nil, NewHeadKey(k, h.Chain))) {
			t.Error("a watermark that is not in the file")
		}
	})
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		ok   bool
	}{
		{"hexadecimal", strings.Repeat("0a", 32) + "\n", true},
		{"upper case", strings.Repeat("0A", 32), true},
		{"raw bytes", strings.Repeat("\xff", 32), true},
		{"raw text", "correct horse battery staple, and more", true},
		{"short hexadecimal", strings.Repeat("0a", 31), false},
		{"odd hexadecimal", strings.Repeat("0a", 32) + "0", false},
		{"short", "password", false},
		{"empty", "", false},
		{"white space", "  \n", false},
	} {
		k, err := ParseKey([]byte(c.text))
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			back, err := ParseKey(k.Text())
			if err != nil || back.ID() != k.ID() {
				t.Errorf("%s: does not read back: %v", c.name, err)
			}
			if s := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(s, strings.TrimSpace(string(k.Text()))) || strings.Contains(s, c.text) {
				t.Errorf("%s: printing reveals the key: %s", c.name, s)
			}
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	_, k, id := loadChain(b)
	s := NewSealer(k, id)
	var h Hash
	for n := uint64(1); b.Loop(); n++ {
		h = s.MAC(h, n, h)
	}
}

func BenchmarkParseLine(b *testing.B) {
	line := []byte(`{"timestamp":"` + strings.Repeat("x", 1000) + `","seq":123456,"hmac":"` + strings.Repeat("a", 64) + `"}`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := ParseLine(line); err != nil {
			b.Fatal(err)
		}
	}
}
