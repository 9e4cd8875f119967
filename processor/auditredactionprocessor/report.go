// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import "github.com/auditchain/auditchain/processor/redact"

// reporting is a scanner that finds and counts what another one does, and says
// of everything that it has not changed: a walker that asks it only reads. What
// it reads may be read by others at the same time.
//
// The other one is not embedded: a method that a scanner gets later has to be
// written here too, or would change what is only to be looked at.
type reporting struct{ found scanner }

func (r reporting) Text(p redact.Place, v string) (string, bool) {
	r.found.Text(p, v)
	return v, false
}

func (r reporting) Bytes(p redact.Place, v []byte) ([]byte, bool) {
	r.found.Bytes(p, v)
	return v, false
}

func (r reporting) Int(p redact.Place, n int64) (string, bool) {
	r.found.Int(p, n)
	return "", false
}

func (r reporting) Float(p redact.Place, x float64) (string, bool) {
	r.found.Float(p, x)
	return "", false
}

func (r reporting) Key(name string) (string, bool) {
	r.found.Key(name)
	return name, false
}

// Name returns the place that the masked name would make: what is counted
// below it is what would be masked.
func (r reporting) Name(p redact.Place, key string) (string, bool, redact.Place) {
	_, _, q := r.found.Name(p, key)
	return key, false, q
}

func (r reporting) Root() redact.Place                               { return r.found.Root() }
func (r reporting) Field(p redact.Place, name string) redact.Place   { return r.found.Field(p, name) }
func (r reporting) Element(p redact.Place, prev string) redact.Place { return r.found.Element(p, prev) }
func (r reporting) TooDeep(p redact.Place) bool                      { return r.found.TooDeep(p) }
func (r reporting) Refused() string                                  { return r.found.Refused() }
func (r reporting) Counts() []redact.KindCount                       { return r.found.Counts() }
func (r reporting) Reset()                                           { r.found.Reset() }
