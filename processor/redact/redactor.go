// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"hash"
	"maps"
	"slices"
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
	// Rules find what no other rule knows. See [Rule].
	Rules []Rule
	// Allow lists what is no secret, whichever rule finds it. See [Allow].
	Allow []Allow
	// PII says what becomes of personal data. By default it stays.
	PII PII
	// AccessKeyIDs says what becomes of the ids of access keys (AKIA…), which
	// are no secrets, and which attribution may need: PolicyLast4, which is
	// the default, PolicyMask or PolicyKeep. A secret access key beside an id
	// is masked in any case.
	AccessKeyIDs Policy
	// Finder, if set, makes what finds secrets in free text in the place of the
	// rules built in: one for every Scanner. What key names and the elements of
	// an argv say is not its business and holds as before.
	Finder func() Finder
}

// Redactor holds a configuration and its compiled rules. It is immutable and
// safe for concurrent use.
type Redactor struct {
	maxDepth int
	maxBytes int
	key      []byte
	keyID    string
	matcher  *matcher
	extra    map[string]kindID
	finder   func() Finder // nil: the rules built in
	allowed  map[string]bool
	flags    map[string]kindID
	allow    *allowList // nil: there is none
	kinds    *kindTable
	pii      *piiRules // nil: personal data is left alone
	keyIDs   Policy    // of ids of access keys
	bare     []string  // markers without a fingerprint, by kind
}

// New checks the configuration and compiles the rules.
func New(c Config) (*Redactor, error) {
	r := &Redactor{maxDepth: DefaultMaxDepth, maxBytes: DefaultMaxValueBytes, kinds: builtinKinds}
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
	var err error
	if r.pii, err = c.PII.rules(r.key != nil); err != nil {
		return nil, err
	}
	if r.keyIDs, err = keyIDPolicy(c.AccessKeyIDs); err != nil {
		return nil, err
	}
	lits := r.pii.literals()
	r.extra = map[string]kindID{}
	for _, name := range c.SensitiveKeys {
		word := longestWord(name)
		if len(word) < minLiteral {
			return nil, fmt.Errorf("redact: sensitive key %q has no run of %d letters or digits; use a longer name", name, minLiteral)
		}
		addKey(r.extra, name, kindSecret)
		lits = append(lits, keyLiteral(word))
	}
	rules, err := r.own(c)
	if err != nil {
		return nil, err
	}
	lits = append(lits, rules.lits...)
	maps.Copy(r.extra, rules.keys)
	r.allowed = map[string]bool{}
	for _, name := range c.AllowedKeys {
		if len(normalise(nil, lastSegment(name))) < minLiteral {
			return nil, fmt.Errorf("redact: allowed key %q has fewer than %d letters and digits; use a longer name", name, minLiteral)
		}
		seg := string(normalise(nil, lastSegment(name)))
		if _, both := r.extra[seg]; both {
			return nil, fmt.Errorf("redact: allowed key %q is a sensitive key, too, as names are compared; keep it in one", name)
		}
		r.allowed[seg] = true
	}
	r.matcher = newMatcher(lits)
	r.finder = c.Finder
	r.bare = r.kinds.markers()
	return r, nil
}

// builtinLiterals are the literals of every Redactor.
func builtinLiterals() []literal {
	lits := slices.Concat(contextLiterals, surroundLiterals, vendorLiterals, moreLiterals, shortNames, publishedSequences, keywordLiterals())
	for _, t := range triggerCommands {
		lits = append(lits, literal{text: t, rule: ruleCommand})
	}
	return lits
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
	s.masked.kinds, s.standing.kinds = r.kinds, r.kinds
	if r.key != nil {
		s.mac = newMAC(r.key)
	}
	if r.finder != nil {
		if s.finder = r.finder(); s.finder == nil {
			s.finder = noFinder{}
		}
	}
	return s
}

// Scanner redacts values. It belongs to one goroutine at a time.
type Scanner struct {
	r *Redactor
	scratch
	spans  []span
	met    []patternState // the patterns whose literals this pass met
	finder Finder         // nil: the rules built in
	finds  []Span         // what it found
	inView bool
	view   []byte
	viewAt []int

	inner bool     // of decoded text: no further base64 is looked into
	below *Scanner // for decoded text
	raw   []byte   // base64, and what it decodes to
	dec   []byte

	masked   tally // what was masked
	standing tally // markers in what was returned

	mac   hash.Hash
	sum   [32]byte
	fpbuf []byte
	mbuf  []byte
	out   []byte

	names [nameSlots + 1]nameSlot
	argv  argvState
	depth int // of the slice that argv belongs to

	pii personalState

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
