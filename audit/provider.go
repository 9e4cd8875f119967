// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import "fmt"

// Provider is a cloud, by its name in the attribute cloud.provider.
type Provider string

// The providers that have sessions.
const (
	AWS   Provider = "aws"
	GCP   Provider = "gcp"
	Azure Provider = "azure"
)

// DefaultProvider is that of an audit event that names none.
const DefaultProvider = AWS

// ParseProvider returns the provider of that name; the default for "".
func ParseProvider(name string) (Provider, error) {
	if name == "" {
		return DefaultProvider, nil
	}
	if p := Provider(name); p.Valid() {
		return p, nil
	}
	return "", unknownProvider(name)
}

// Valid reports whether p is one of the providers of this package.
func (p Provider) Valid() bool { return p == AWS || p == GCP || p == Azure }

// String returns the provider's name.
func (p Provider) String() string { return string(p) }

func unknownProvider(name string) error {
	return fmt.Errorf("provider %q is unknown: use aws, gcp or azure", name)
}
