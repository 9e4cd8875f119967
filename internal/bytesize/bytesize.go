// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package bytesize reads and writes sizes as people do: "256MiB", "1GiB",
// "1048576".
//
// Only the binary units KiB, MiB, GiB and TiB are known, and no unit means
// bytes. "256MB" is refused: half of those who write it mean 256,000,000 bytes
// and half 268,435,456.
package bytesize

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// Sizes of the units.
const (
	KiB Size = 1 << (10 * (iota + 1))
	MiB
	GiB
	TiB
)

var units = []struct {
	name string
	size Size
}{{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}}

// Parse reads a whole number of bytes, or of a unit right behind it.
func Parse(s string) (Size, error) {
	digits, unit := s, Size(1)
	for _, u := range units {
		if d, ok := strings.CutSuffix(s, u.name); ok {
			digits, unit = d, u.size
		}
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, fmt.Errorf("size %q is not a whole number of bytes, KiB, MiB, GiB or TiB, such as 256MiB", s)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > math.MaxInt64/int64(unit) {
		return 0, fmt.Errorf("size %q is too large", s)
	}
	return Size(n) * unit, nil
}

// String returns what Parse reads, in the largest unit that holds s whole.
func (s Size) String() string {
	for _, u := range units {
		if s != 0 && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// UnmarshalText reads what Parse reads; it is how a configuration is read.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = Parse(string(text))
	return err
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Set reads the value of a flag.
func (s *Size) Set(text string) error { return s.UnmarshalText([]byte(text)) }

// Type is how a flag's help names the value.
func (s *Size) Type() string { return "size" }
