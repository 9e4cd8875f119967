// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"hash"
	"unsafe"
)

// Defaults of a [Config].
const (
	DefaultMaxDepth      = 64
	DefaultMaxValueBytes = 32 << 20

	// minFingerprintKey is what SHA-256 deserves.
	minFingerprintKey = 32
	// depthLimit bounds MaxDepth: JSON is walked by recursion.
	depthLimit = 1000
	// maxNesting bounds JSON in strings in JSON in strings.
	maxNesting = 8
)

// Config configures a [Redactor]. The zero value is ready to use.
type Config struct {
	// FingerprintKey turns on fingerprints in markers. It is at least 32
	// bytes, and a key of its own: who holds it can test guesses against
	// fingerprints.
	FingerprintKey []byte
	// MaxDepth is how deep maps, slices and JSON may nest. What lies deeper
	// becomes [REDACTED:too-deep]. 0 is DefaultMaxDepth.
	MaxDepth int
	// MaxValueBytes is how long a string may be. A longer one becomes
	// [REDACTED:too-large]. 0 is DefaultMaxValueBytes.
	MaxValueBytes int
	// SensitiveKeys are further names whose values are masked, in maps and in
	// text (name=value). Case, '-', '_' and '.' do not matter.
	SensitiveKeys []string
	// AllowedKeys are names whose values are not masked for the name's sake.
	// What the value itself gives away is masked all the same.
	AllowedKeys []string
}

// Redactor holds a configuration and its compiled rules. It is immutable and
// safe for concurrent use.
type Redactor struct {
	maxDepth int
	maxBytes int
	key      []byte
	keyID    string
	matcher  *matcher
	extra    map[string]bool
	allowed  map[string]bool
	bare     [kindCount]string // markers without a fingerprint
}

// New checks the configuration and compiles the rules.
func New(c Config) (*Redactor, error) {
	r := &Redactor{maxDepth: DefaultMaxDepth, maxBytes: DefaultMaxValueBytes}
	switch {
	case len(c.FingerprintKey) > 0 && len(c.FingerprintKey) < minFingerprintKey, c.FingerprintKey != nil && len(c.FingerprintKey) == 0:
		return nil, fmt.Errorf("redact: fingerprint key has %d bytes; use at least %d, from a random source", len(c.FingerprintKey), minFingerprintKey)
	case c.MaxDepth < 0 || c.MaxDepth > depthLimit:
		return nil, fmt.Errorf("redact: max depth is %d; use 1 to %d, or 0 for %d", c.MaxDepth, depthLimit, DefaultMaxDepth)
	case c.MaxValueBytes < 0:
		return nil, fmt.Errorf("redact: max value bytes is %d; use a positive number, or 0 for %d", c.MaxValueBytes, DefaultMaxValueBytes)
	}
	if c.MaxDepth > 0 {
		r.maxDepth = c.MaxDepth
	}
	if c.MaxValueBytes > 0 {
		r.maxBytes = c.MaxValueBytes
	}
	if len(c.FingerprintKey) > 0 {
		r.key = append([]byte(nil), c.FingerprintKey...)
		r.keyID = fingerprintKeyID(r.key)
	}
	lits := make([]literal, 0, len(vendorLiterals)+len(contextLiterals)+len(triggerCommands)+len(c.SensitiveKeys))
	lits = append(lits, contextLiterals...)
	lits = append(lits, vendorLiterals...)
	for _, t := range triggerCommands {
		lits = append(lits, literal{text: t, rule: ruleCommand})
	}
	r.extra = map[string]bool{}
	for _, name := range c.SensitiveKeys {
		word := longestWord(name)
		if len(word) < minLiteral {
			return nil, fmt.Errorf("redact: sensitive key %q has no run of %d letters or digits; use a longer name", name, minLiteral)
		}
		r.extra[string(normalise(nil, name))] = true
		r.extra[string(normalise(nil, lastSegment(name)))] = true
		lits = append(lits, literal{text: word, fold: true, rule: ruleWord})
	}
	r.allowed = map[string]bool{}
	for _, name := range c.AllowedKeys {
		if len(normalise(nil, lastSegment(name))) < minLiteral {
			return nil, fmt.Errorf("redact: allowed key %q has fewer than %d letters and digits; use a longer name", name, minLiteral)
		}
		r.allowed[string(normalise(nil, lastSegment(name)))] = true
	}
	r.matcher = newMatcher(lits)
	for id := kindNone + 1; id < kindCount; id++ {
		r.bare[id] = markerOpen + string(kindNames[id]) + "]"
	}
	// An access key id never goes without its tail.
	r.bare[kindAWSAccessKeyID] = markerOpen + string(kindNames[kindAWSAccessKeyID]) + ":****XXXX]"
	return r, nil
}

// longestWord is the longest run of letters and digits in name, lower case.
func longestWord(name string) string {
	best := ""
	for i := 0; i < len(name); {
		end := run(name, i, setAlnum)
		if end-i > len(best) {
			best = name[i:end]
		}
		i = end + 1
	}
	return string(normalise(nil, best))
}

func lastSegment(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' || name[i] == '/' {
			return name[i+1:]
		}
	}
	return name
}

// KeyID names the fingerprint key in markers; it is empty without one.
func (r *Redactor) KeyID() string { return r.keyID }

// Scanner returns the scratch state of one goroutine. Scanners are worth
// keeping: they remember key names and reuse their buffers.
func (r *Redactor) Scanner() *Scanner {
	s := &Scanner{r: r}
	if r.key != nil {
		s.mac = newMAC(r.key)
	}
	return s
}

// Scanner redacts values. It belongs to one goroutine at a time.
type Scanner struct {
	r *Redactor
	scratch
	spans  []span
	inView bool
	view   []byte
	viewAt []int

	masked   tally // what was masked
	standing tally // markers in what was returned

	mac   hash.Hash
	sum   [32]byte
	fpbuf []byte
	mbuf  []byte
	out   []byte

	names [nameSlots]nameSlot
	argv  argvState
	depth int // of the slice that argv belongs to

	keys    []uint64 // hashes of the keys of the open JSON objects
	nesting int      // JSON in strings
	levels  [maxNesting + 1]level
}

// Counts lists what was masked since the last Reset, sorted by kind. What an
// earlier redaction masked is not among it. The slice is valid until the next
// call of Counts.
func (s *Scanner) Counts() []KindCount { return s.masked.list() }

// Markers lists the exact markers that stand in what was returned since the
// last Reset, sorted by kind: those put there now and those that were there
// before and were left alone. It is a property of the result alone, so that
// redacting once, twice, or here what was redacted elsewhere says the same. The
// slice is valid until the next call of Markers.
func (s *Scanner) Markers() []KindCount { return s.standing.list() }

// Reset forgets the counts.
func (s *Scanner) Reset() {
	s.masked.reset()
	s.standing.reset()
}

// stringOf views b as a string without copying it. b must not change while
// the string is in use; no string made here leaves the package.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
