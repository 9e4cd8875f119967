// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package unseen makes a corpus on which no rule of processor/redact was tuned:
// other templates than those of its testdata, filled with values that are
// generated, the same ones each time. Nothing in it was ever valid.
//
// It stays of use only while nobody writes a rule for a line of it. Who fixes
// what it shows fixes the general case, and adds a template of another make.
// Half of the contexts are blind: the report counts what leaks in them and does
// not say where.
package unseen

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// A Line is one line of the corpus.
type Line struct {
	redactcorpus.Sample
	Ctx string
	// Blind says that the line belongs to the half of the contexts that the
	// report names nothing of but the score.
	Blind bool
}

// A template is a text of one context, with values to fill in between two §.
// Where they are secrets, each is planted.
type template struct {
	ctx   string
	field string // where the text stands in the record; see record
	text  string
}

// The fields that a text may stand in.
const (
	message = "message" // what a program logged
	command = "command" // a command line
	argv    = "argv"    // the same, split at white space; ␣ is a space in a word
	body    = "body"    // of a request, a file, a response
	address = "url"
	fields  = "fields" // the text is a JSON object, and stays one
)

// often is how many lines are made of a template.
const often = 6

// Secrets are the lines in which secrets were planted.
func Secrets() []Line {
	var all []template
	for _, ts := range [][]template{configFiles, infrastructure, logLines, commandLines, toolArguments, protocols, encoded, structured} {
		all = append(all, ts...)
	}
	return fill(all, true)
}

// Lookalikes are lines without a secret, of what is easily taken for one.
func Lookalikes() []Line {
	var all []template
	for _, ts := range [][]template{identifiers, sentences, references} {
		all = append(all, ts...)
	}
	return fill(all, false)
}

// fill makes the lines. A mistake in a template is a mistake in this package,
// so it panics.
func fill(ts []template, secret bool) []Line {
	var out []Line
	seen := map[string]bool{}
	for _, t := range ts {
		if seen[t.ctx] {
			panic("two templates are called " + t.ctx)
		}
		seen[t.ctx] = true
		for i := range often {
			h := fnv.New64a()
			h.Write([]byte(t.ctx))
			g := &generator{r: rand.New(rand.NewPCG(h.Sum64(), uint64(i)))}
			text := g.expand(t)
			if (len(g.planted) > 0) != secret {
				panic(fmt.Sprintf("template %s has %d secrets", t.ctx, len(g.planted)))
			}
			out = append(out, Line{redactcorpus.Sample{Line: g.record(t.field, text), Planted: g.planted}, t.ctx, blind(t.ctx)})
		}
	}
	return out
}

// blind picks half of the contexts.
func blind(ctx string) bool {
	sum := sha256.Sum256([]byte(ctx))
	return sum[0]%2 == 0
}

// generator fills in one line.
type generator struct {
	r       *rand.Rand
	planted []redactcorpus.Secret
	kept    map[string]string
}

// expand fills a template in. A name is one of values (filler) or of secrets;
// behind it may stand |percent, |base64 or |json, how it is written, and
// before it a number and a colon: the same number gives the same value again.
func (g *generator) expand(t template) string {
	parts := strings.Split(t.text, "§")
	if len(parts)%2 == 0 {
		panic("template " + t.ctx + " has an odd §")
	}
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 0 {
			b.WriteString(part)
			continue
		}
		b.WriteString(g.value(t, part))
	}
	return b.String()
}

func (g *generator) value(t template, part string) string {
	name, writing, _ := strings.Cut(part, "|")
	if v, ok := g.kept[name]; ok {
		return v
	}
	kind := name
	if _, after, ok := strings.Cut(name, ":"); ok {
		kind = after
	}
	var v string
	if f, ok := fillers[kind]; ok {
		v = written(f(g), writing)
	} else if f, ok := secrets[kind]; ok {
		v = written(f.make(g), writing)
		g.planted = append(g.planted, redactcorpus.Secret{Kind: f.kind, Ctx: t.ctx, Text: v})
	} else {
		panic(fmt.Sprintf("template %s: no value is called %q", t.ctx, kind))
	}
	if kind != name {
		if g.kept == nil {
			g.kept = map[string]string{}
		}
		g.kept[name] = v
	}
	return v
}

// record is an audit record with the text in it.
func (g *generator) record(field, text string) string {
	rec := []member{
		{"timestamp", g.stamp()},
		{"event_id", g.uuid()},
		{"principal", map[string]string{"name": g.user(), "kind": one(g, "human", "service", "robot")}},
		{"operation", one(g, "exec", "read", "write", "http", "deploy", "console")},
		{"node", g.host()},
	}
	var v any = text
	switch field {
	case argv:
		var words []string
		for _, w := range strings.Fields(text) {
			words = append(words, strings.ReplaceAll(w, "␣", " "))
		}
		v = words
	case fields:
		v = json.RawMessage(text)
	}
	rec = append(rec, member{field, v}, member{"duration_ms", g.r.IntN(5000)})
	return object(rec)
}

// member is a name and its value: records keep their order.
type member struct {
	name  string
	value any
}

func object(members []member) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quoted(m.name))
		b.WriteByte(':')
		b.WriteString(quoted(m.value))
	}
	b.WriteByte('}')
	return b.String()
}

func quoted(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
