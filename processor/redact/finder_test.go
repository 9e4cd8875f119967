// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A hit is a literal that stands in a text.
type hit struct{ at, lit int }

func sortHits(hits []hit) []hit {
	slices.SortFunc(hits, func(a, b hit) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return a.lit - b.lit
	})
	return hits
}

// matcherHits is what scan walks over.
func matcherHits(m *matcher, v string) (hits []hit) {
	for i := m.next(v, 0); i < len(v); i = m.next(v, i+8) {
		for begins, j := m.windows(v, i), i; begins != 0; begins, j = begins>>1, j+2 {
			if begins&1 == 0 {
				continue
			}
			here, next := m.owners(v, j)
			for k := range here {
				if start := m.stands(&here[k], v, j); start >= 0 {
					hits = append(hits, hit{start, int(here[k].lit)})
				}
			}
			for k := range next {
				if start := m.stands(&next[k], v, j+2); start >= 0 {
					hits = append(hits, hit{start, int(next[k].lit)})
				}
			}
		}
	}
	return sortHits(hits)
}

// naiveHits is the same, found the obvious way.
func naiveHits(m *matcher, v string) (hits []hit) {
	lower := make([]byte, len(v))
	for i := range len(v) {
		lower[i] = fold(v[i])
	}
	for n, l := range m.lits {
		text := v
		if l.fold {
			text = string(lower)
		}
		for at := 0; ; at++ {
			k := strings.Index(text[at:], l.text)
			if k < 0 {
				break
			}
			at += k
			if _, escape := percentAt(v, at); l.rule == rulePercent && !escape {
				continue
			}
			hits = append(hits, hit{at, n})
		}
	}
	return sortHits(hits)
}

// TestMatcherSparesCleanText: the windows of literals are chosen so that few
// blocks of clean text are looked at closer. Where this fails, a literal was
// added that has none but common pairs of bytes, or ordinaryText has become
// unlike the text that is meant.
func TestMatcherSparesCleanText(t *testing.T) {
	m := newScanner(t, Config{}).r.matcher
	blocks, begin := 0, 0
	for _, sm := range corpus(t, "clean", 1000) {
		for i := 0; i < len(sm.Line); i += 8 {
			blocks++
			if m.windows(sm.Line, i) != 0 {
				begin++
			}
		}
	}
	if begin == 0 || begin > blocks/6 {
		t.Errorf("in %d of %d blocks of clean text the window of a literal may begin; one in eight is usual", begin, blocks)
	}
}

// TestMatcherFindsWhatIsThere compares the matcher with a search for one
// literal after the other, at every offset.
func TestMatcherFindsWhatIsThere(t *testing.T) {
	s := newScanner(t, Config{SensitiveKeys: []string{"pin", "kennwort"}})
	m := s.r.matcher
	rng := rand.New(rand.NewPCG(1, 2))
	var texts []string
	for n, l := range m.lits {
		for pad := range 9 {
			text := l.text
			if l.fold && pad%3 == 1 {
				text = strings.ToUpper(text)
			}
			texts = append(texts, strings.Repeat("x", pad)+text, strings.Repeat(" ", pad)+text+"\x00Z"[:n%3])
		}
	}
	for range 4000 {
		var b strings.Builder
		for range 1 + rng.IntN(12) {
			switch text := m.lits[rng.IntN(len(m.lits))].text; rng.IntN(4) {
			case 0:
				b.WriteString(text)
			case 1: // cut, so that another one may begin where it ends
				b.WriteString(text[:1+rng.IntN(len(text))])
			case 2:
				b.WriteString(strings.ToUpper(text))
			default:
				b.WriteByte(byte(rng.IntN(256)))
			}
		}
		texts = append(texts, b.String())
	}
	for _, name := range []string{"recall", "clean"} {
		for _, sm := range corpus(t, name, 1000)[:1000] {
			texts = append(texts, sm.Line)
		}
	}
	found := 0
	for _, v := range texts {
		got, want := matcherHits(m, v), naiveHits(m, v)
		// A literal has one window for either parity: each stands there once.
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(hit{})); diff != "" {
			t.Fatalf("in %q (-want +got):\n%s", v, diff)
		}
		found += len(got)
		// next agrees with what it is asked for.
		if first := m.next(v, 0); (first < len(v)) != (len(want) > 0) {
			t.Fatalf("next says %d of %d for %q, and %d literals stand there", first, len(v), v, len(want))
		}
	}
	if found < len(texts) {
		t.Errorf("%d literals in %d texts: these prove nothing", found, len(texts))
	}
}

// finderFunc is a Finder that is a function.
type finderFunc func(v string, dst []Span) []Span

func (f finderFunc) Find(v string, dst []Span) []Span { return f(v, dst) }

func withFinder(t *testing.T, f finderFunc) *Scanner {
	t.Helper()
	return newScanner(t, Config{FingerprintKey: testKey, Finder: func() Finder { return f }})
}

// badgers finds every "badger" and its number.
func badgers(v string, dst []Span) []Span {
	for i := 0; ; {
		k := strings.Index(v[i:], "badger")
		if k < 0 {
			return dst
		}
		start := i + k
		i = run(v, start+len("badger"), setDigit)
		dst = append(dst, Span{start, i, "password"})
	}
}

func TestFinderTakesThePlace(t *testing.T) {
	s := withFinder(t, badgers)
	marker := func(kind kindID, text string) string { return s.marker(kind, text, decodeNone) }
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"a " + ghp + " is nothing to it", "a " + ghp + " is nothing to it"},
		{"a badger12, a badger", "a " + marker(kindPassword, "badger12") + ", a " + marker(kindPassword, "badger")},
		{"[REDACTED:password] badger1", "[REDACTED:password] " + marker(kindPassword, "badger1")},
	} {
		got, changed := s.Text(s.Root(), c.in)
		if got != c.want || changed != (c.in != c.want) {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
		if again, changed := s.Text(s.Root(), got); changed {
			t.Errorf("twice differs: %q, then %q", got, again)
		}
	}
	// Names and argv stay what they are.
	got, _ := s.JSON(nil, s.Root(), `{"token":"x9y8z7","note":"badger7","authorization":"Basic badger8"}`)
	want := `{"token":"` + marker(kindToken, "x9y8z7") + `","note":"` + marker(kindPassword, "badger7") + `",`
	if !strings.HasPrefix(string(got), want) || strings.Contains(string(got), "badger") {
		t.Errorf("JSON: got %s, want %s…", got, want)
	}
	q := s.Element(s.Root(), "--password")
	if got, _ := s.Text(q, "hunter2"); got != marker(kindPassword, "hunter2") {
		t.Errorf("argv: got %q", got)
	}
}

// TestFinderOfOurs: a Scanner is a Finder, and as one does what it does alone.
func TestFinderOfOurs(t *testing.T) {
	plain := newScanner(t, Config{})
	swapped := newScanner(t, Config{Finder: func() Finder { return newScanner(t, Config{}) }})
	for _, sm := range corpus(t, "recall", 1000)[:500] {
		want, _ := plain.Text(plain.Root(), sm.Line)
		got, _ := swapped.Text(swapped.Root(), sm.Line)
		if got != want {
			t.Errorf("in place of the rules the same rules leave %q, want %q", got, want)
		}
	}
}

func TestFinderFailsClosed(t *testing.T) {
	const in = "some text, and a päss in it"
	spans := func(list ...Span) finderFunc {
		return func(v string, dst []Span) []Span { return append(dst, list...) }
	}
	for _, c := range []struct {
		name string
		f    finderFunc
		want string
	}{
		{"panics", func(string, []Span) []Span { panic("no") }, "[REDACTED:error]"},
		{"panics late", func(v string, dst []Span) []Span { _ = append(dst, Span{0, 4, "token"}); panic("no") }, "[REDACTED:error]"},
		{"starts before the text", spans(Span{-1, 4, "token"}), "[REDACTED:error]"},
		{"ends behind the text", spans(Span{0, len(in) + 1, "token"}), "[REDACTED:error]"},
		{"ends before it starts", spans(Span{4, 3, "token"}), "[REDACTED:error]"},
		{"out of order", spans(Span{5, 9, "token"}, Span{0, 4, "token"}), "[REDACTED:error]"},
		{"overlaps", spans(Span{0, 4, "token"}, Span{2, 9, "password"}), "[REDACTED:password], and a päss in it"},
		{"empty", spans(Span{4, 4, "token"}), in},
		{"a kind that is none", spans(Span{0, 4, "no such kind"}), "[REDACTED:secret] text, and a päss in it"},
		{"a refusal", spans(Span{0, 4, "too-large"}), "[REDACTED:secret] text, and a päss in it"},
		{"cuts a character", spans(Span{17, 19, "token"}), "some text, and a [REDACTED:token]ss in it"},
		{"all of it", spans(Span{0, len(in), "token"}), "[REDACTED:token]"},
	} {
		calls := 0
		s := newScanner(t, Config{Finder: func() Finder {
			return finderFunc(func(v string, dst []Span) []Span {
				if calls++; v != in {
					return dst
				}
				return c.f(v, dst)
			})
		}})
		got, _ := s.Text(s.Root(), in)
		if got != c.want || calls == 0 {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if !utf8.ValidString(got) {
			t.Errorf("%s: invalid UTF-8: %q", c.name, got)
		}
	}
	s := newScanner(t, Config{Finder: func() Finder { return nil }})
	if got, _ := s.Text(s.Root(), in); got != "[REDACTED:error]" {
		t.Errorf("no Finder was made: got %q", got)
	}
	// One that never stops finding is stopped.
	s = withFinder(t, func(v string, dst []Span) []Span { return append(dst, Span{len(v) - 1, len(v), "token"}) })
	got, _ := s.Text(s.Root(), in)
	if again, changed := s.Text(s.Root(), got); changed {
		t.Errorf("twice differs: %q, then %q", got, again)
	}
	// Markers are cut out of what is found, wherever they stand in it.
	s = newScanner(t, Config{Finder: func() Finder {
		return finderFunc(func(v string, dst []Span) []Span {
			for i := 0; i+3 <= len(v); i += 3 {
				dst = append(dst, Span{i, i + 3, "token"})
			}
			return dst
		})
	}})
	in2 := "[REDACTED:password]abc[REDACTED:jwt]"
	if got, _ := s.Text(s.Root(), in2); got != "[REDACTED:password][REDACTED:token][REDACTED:token][REDACTED:jwt]" {
		t.Errorf("markers: got %q", got)
	}
}

// TestFinderIsOneScanners: every Scanner has its own.
func TestFinderIsOneScanners(t *testing.T) {
	made := 0
	r, err := New(Config{Finder: func() Finder { made++; return finderFunc(badgers) }})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.Scanner()
	}
	if made != 3 {
		t.Error(fmt.Sprint(made, " Finders for 3 Scanners"))
	}
}
