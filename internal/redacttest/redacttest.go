// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package redacttest makes redactors that fail, for the tests of what redacts
// with them. For what package redact has no switch, on purpose, this one reaches
// into it, and fails where it does not find what it knows there.
package redacttest

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/auditchain/auditchain/processor/redact"
)

// Word is what the rules of PanickingRules panic over.
const Word = "canary"

// PanickingRules returns a Redactor whose rules of free text find nothing, and
// panic over every text that holds Word, with the text in what they say.
func PanickingRules(t testing.TB) *redact.Redactor {
	t.Helper()
	r, err := redact.New(redact.Config{Finder: func() redact.Finder { return panicking{} }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type panicking struct{}

func (panicking) Find(s string, dst []redact.Span) []redact.Span {
	if strings.Contains(s, Word) {
		panic("cannot look at " + s)
	}
	return dst
}

// Panicking returns a Redactor whose scanners panic over every text of four
// bytes or more, outside of what they guard themselves.
func Panicking(t testing.TB) *redact.Redactor {
	t.Helper()
	r := sound(t)
	field(t, reflect.ValueOf(r).Elem(), "matcher").SetZero()
	func() {
		defer func() {
			if recover() == nil {
				t.Fatal("package redact does not panic without its literals: redacttest must be written anew")
			}
		}()
		s := r.Scanner()
		s.Text(s.Root(), "a text")
	}()
	return r
}

func sound(t testing.TB) *redact.Redactor {
	t.Helper()
	r, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// field is a field of a struct, also one that is not exported.
func field(t testing.TB, v reflect.Value, name string) reflect.Value {
	t.Helper()
	f := v.FieldByName(name)
	if !f.IsValid() {
		t.Fatalf("package redact has no %s.%s any more: redacttest must be written anew", v.Type(), name)
	}
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}
