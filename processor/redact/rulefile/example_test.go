// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package rulefile_test

import (
	"fmt"

	"github.com/auditchain/auditchain/processor/redact"
	"github.com/auditchain/auditchain/processor/redact/rulefile"
)

// A program gives its redactor the rules of a file. redactlog.New and
// chainlog.WithRedactor take it.
func Example() {
	rules, err := rulefile.Load("testdata/acme.yaml")
	if err != nil {
		fmt.Println(err) // file, line and column of everything that is wrong
		return
	}
	r, err := redact.New(redact.Config{Rules: rules.Rules, Allow: rules.Allow})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := r.Scanner() // one per goroutine
	for _, v := range []string{"your PIN: 471100", "password=EXAMPLE-KEY-0001", "password=hunter2"} {
		v, _ := s.Text(s.Root(), v)
		fmt.Println(v)
	}
	// Output:
	// your PIN: [REDACTED:acme-pin]
	// password=EXAMPLE-KEY-0001
	// password=[REDACTED:password]
}

// The tests in a file belong into the tests of what uses it.
func ExampleCheck() {
	rules, err := rulefile.Load("testdata/acme.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rules.Tests(), "test lines:", rulefile.Check(rules, redact.Config{}))
	// Output: 10 test lines: <nil>
}
