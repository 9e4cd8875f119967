// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Vendorrules writes processor/redact/vendor_rules.go from the rules that
// gitleaks publishes: those of the module that go.mod pins, nothing from the
// network.
//
// Most rules become data for a matcher that needs no regular expression. A
// rule that cannot be converted stops it: it has to be listed in covered.go,
// with the rule of ours that does its work. So no update of the pin loses a
// rule unseen.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
)

func main() {
	out := flag.String("o", "vendor_rules.go", "file to write")
	flag.Parse()
	source, err := generate()
	if err == nil {
		err = os.WriteFile(*out, source, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vendorrules:", err)
		os.Exit(1)
	}
}

// published is gitleaks' configuration as it stands in its module.
func published() (config.ViperConfig, error) {
	v := viper.New()
	v.SetConfigType("toml")
	var c config.ViperConfig
	if err := v.ReadConfig(strings.NewReader(config.DefaultConfig)); err != nil {
		return c, err
	}
	err := v.Unmarshal(&c)
	return c, err
}

// generate is the text of the file.
func generate() ([]byte, error) {
	c, err := published()
	if err != nil {
		return nil, err
	}
	out, err := convert(c)
	if err != nil {
		return nil, err
	}
	return emit(out, stopwords(c))
}

func convert(c config.ViperConfig) (*converted, error) {
	out := &converted{keywords: map[string][]shapeRule{}}
	known := map[string]bool{}
	for _, r := range c.Rules {
		known[r.ID] = true
		if covered[r.ID] != "" {
			if kinds[r.ID] != "" {
				return nil, fmt.Errorf("%s stands in kinds.go and in covered.go", r.ID)
			}
			continue
		}
		if err := out.add(r.ID, r.Regex, r.Entropy); err != nil {
			return nil, err
		}
		for _, a := range r.Allowlists {
			out.examples = append(out.examples, plain(a.Regexes)...)
		}
	}
	for _, table := range []map[string]string{kinds, covered} {
		for id := range table {
			if !known[id] {
				return nil, fmt.Errorf("gitleaks has no rule %s any more: take it out of the tables", id)
			}
		}
	}
	return out, nil
}

// plain is those expressions that are a text and nothing else.
func plain(exprs []string) (out []string) {
	for _, expr := range exprs {
		if re, err := syntax.Parse(expr, syntax.Perl); err == nil && re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase == 0 {
			out = append(out, string(re.Rune))
		}
	}
	return out
}

// stopwords are what no secret holds, whichever rule found it.
func stopwords(c config.ViperConfig) []string {
	var out []string
	if c.AllowList != nil {
		out = append(out, c.AllowList.StopWords...)
	}
	for _, a := range c.Allowlists {
		if len(a.TargetRules) == 0 {
			out = append(out, a.StopWords...)
		}
	}
	for i := range out {
		out[i] = strings.ToLower(out[i])
	}
	slices.Sort(out)
	return slices.Compact(out)
}
