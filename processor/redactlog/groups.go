// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/auditchain/auditchain/processor/redact"
)

// Resource returns a redacted copy of res, to be given to
// sdklog.WithResource. A nil res stands for the SDK's default resource, as it
// does there.
//
// WithResource adds what the environment says (OTEL_RESOURCE_ATTRIBUTES); so
// this is added here already, and redacted, and takes precedence there. If two
// different schema URLs meet, the result has none and the error says so; the
// resource is usable all the same. If redaction fails, the resource is
// empty.
func Resource(r *redact.Redactor, res *resource.Resource) (*resource.Resource, error) {
	if res == nil {
		res = resource.Default()
	}
	merged, mergeErr := resource.Merge(resource.Environment(), res)
	if mergeErr != nil {
		mergeErr = errors.New("the resource and the environment have different schema URLs; the result has none")
	}
	out, _, err := redactResource(scannerOf(r), merged)
	if err != nil {
		return resource.Empty(), fmt.Errorf("resource: %w", err)
	}
	return out, mergeErr
}

// Logger returns a logger of provider whose scope (name, version, schema URL
// and attributes) is redacted. If redaction fails, the scope is named
// "[redaction failed]" and has no attributes.
func Logger(r *redact.Redactor, provider log.LoggerProvider, name string, options ...log.LoggerOption) log.Logger {
	c := log.NewLoggerConfig(options...)
	scope, _, err := redactScope(scannerOf(r), instrumentation.Scope{
		Name:       name,
		Version:    c.InstrumentationVersion(),
		SchemaURL:  c.SchemaURL(),
		Attributes: c.InstrumentationAttributes(),
	})
	if err != nil {
		scope = instrumentation.Scope{Name: "[redaction failed]"}
	}
	return provider.Logger(scope.Name,
		log.WithInstrumentationVersion(scope.Version),
		log.WithSchemaURL(scope.SchemaURL),
		log.WithInstrumentationAttributeSet(scope.Attributes),
	)
}

func redactResource(s func() scanner, res *resource.Resource) (out *resource.Resource, changed bool, err error) {
	defer recoverTo(&err)
	w := walker{s: s()}
	url, urlChanged := w.text(res.SchemaURL())
	attrs, attrsChanged := w.set(res.Set())
	if !urlChanged && !attrsChanged {
		return res, false, nil
	}
	return resource.NewWithAttributes(url, attrs...), true, nil
}

func redactScope(sc func() scanner, s instrumentation.Scope) (_ instrumentation.Scope, changed bool, err error) {
	defer recoverTo(&err)
	w := walker{s: sc()}
	var c [4]bool
	s.Name, c[0] = w.text(s.Name)
	s.Version, c[1] = w.text(s.Version)
	s.SchemaURL, c[2] = w.text(s.SchemaURL)
	attrs, attrsChanged := w.set(&s.Attributes)
	if attrsChanged {
		s.Attributes, c[3] = attribute.NewSet(attrs...), true
	}
	return s, c != [4]bool{}, nil
}

// set redacts the attributes of a set, in its order.
func (w walker) set(set *attribute.Set) ([]attribute.KeyValue, bool) {
	all := set.ToSlice()
	out, changed := w.attributes(len(all), func(yield func(attribute.KeyValue) bool) {
		for _, kv := range all {
			if !yield(kv) {
				return
			}
		}
	})
	if !changed {
		return all, false
	}
	return out, true
}
