// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package bytesize

import (
	"math"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Size{
		"0":                   0,
		"0MiB":                0,
		"1":                   1,
		"1048576":             1 << 20,
		"007":                 7,
		"4KiB":                4096,
		"256MiB":              256 << 20,
		"1GiB":                1 << 30,
		"3TiB":                3 << 40,
		"9223372036854775807": math.MaxInt64,
		"8388607TiB":          8388607 << 40,
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
}

// What could be meant in two ways, or is a slip, is refused; the message shows
// the way it is written.
func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "MiB", "256MB", "256M", "256mib", "256 MiB", " 1", "1 ", "+1", "-1", "-1MiB", "1.5GiB", "1e9", "0x10", "1_000",
		"1KiBMiB", "12B", "KiB1", "١", "1\n", "9223372036854775808", "8388608TiB", "99999999999999999999MiB",
	} {
		got, err := Parse(text)
		if err == nil {
			t.Errorf("%q is %d", text, got)
			continue
		}
		if !strings.Contains(err.Error(), "256MiB") && !strings.Contains(err.Error(), "too large") {
			t.Errorf("%q: %v does not say what to write", text, err)
		}
		var s Size = 7
		if s.UnmarshalText([]byte(text)) == nil || s.Set(text) == nil {
			t.Errorf("%q is taken from a configuration or a flag", text)
		}
	}
}

func TestString(t *testing.T) {
	for _, s := range []Size{0, 1, 1023, KiB, KiB + 1, 256 * MiB, 1536 * MiB, GiB, 5 * TiB, 2048 * TiB, math.MaxInt64} {
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Parse(string(text)); err != nil || got != s {
			t.Errorf("%d is written %q, which is %d, %v", s, text, got, err)
		}
	}
	if got := (256 * MiB).String(); got != "256MiB" {
		t.Errorf("got %q", got)
	}
	if got := (1536 * MiB).String(); got != "1536MiB" {
		t.Errorf("got %q", got)
	}
}
