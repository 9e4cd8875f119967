// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"fmt"

	"github.com/auditchain/auditchain/processor/redact"
)

func Example() {
	r, err := redact.New(redact.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := r.Scanner() // one per goroutine

	v, changed := s.Text(s.Field(s.Root(), "command"), "mysql --password=hunter2 app")
	fmt.Println(v, changed)

	// An argv: every element is judged with the one before it.
	argv := s.Field(s.Root(), "argv")
	prev := ""
	for _, arg := range []string{"docker", "login", "-p", "hunter2", "registry.example"} {
		v, _ := s.Text(s.Element(argv, prev), arg)
		fmt.Println(v)
		prev = arg
	}

	fmt.Println(s.Counts())
	// Output:
	// mysql --password=[REDACTED:password] app true
	// docker
	// login
	// -p
	// [REDACTED:password]
	// registry.example
	// [{password 2}]
}

func ExampleScanner_JSON() {
	r, err := redact.New(redact.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := r.Scanner()
	out, form := s.JSON(nil, s.Root(), `{"user": "bob", "password": "hunter2", "body": "{\"token\":\"abc\"}"}`)
	fmt.Println(string(out), form == redact.StrictJSON)
	// Output:
	// {"user": "bob", "password": "[REDACTED:password]", "body": "{\"token\":\"[REDACTED:token]\"}"} true
}
