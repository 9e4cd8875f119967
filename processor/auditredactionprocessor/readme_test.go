// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
)

func TestReadmeSnippets(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets := strings.Split(string(readme), "```yaml\n")[1:]
	if len(snippets) != 3 {
		t.Errorf("%d snippets", len(snippets))
	}
	for _, s := range snippets {
		s, _, _ = strings.Cut(s, "```")
		r, err := confmap.NewRetrievedFromYAML([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		conf, err := r.AsConf()
		if err != nil {
			t.Fatal(err)
		}
		processors, err := conf.Sub("processors")
		if err != nil {
			t.Fatal(err)
		}
		for id := range processors.ToStringMap() {
			sub, err := processors.Sub(id)
			if err != nil {
				t.Fatal(err)
			}
			cfg := createDefaultConfig().(*Config)
			if err := sub.Unmarshal(cfg); err != nil {
				t.Fatalf("%v in\n%s", err, s)
			}
			if err := confmap.Validate(cfg); err != nil {
				t.Errorf("%v in\n%s", err, s)
			}
		}
	}
}
