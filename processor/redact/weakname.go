// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// Names like mixpanel_key, fooKey and api_token_prod say less than password
// does: what ends in "key" is as often the key of a map. Here the value has to
// speak, too: it is masked if it looks random, and is no hash under a name that
// calls for one.

// weakClass is what a name that classifyName makes nothing of says, if its value
// looks random; hex says whether digits and a to f alone may be secret.
func weakClass(name string) (kind kindID, hex bool) {
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	name = trimIndex(name)
	var words [12]string
	n := splitWords(name, &words)
	if n == 0 {
		return kindNone, false
	}
	last := words[n-1]
	switch {
	case equalFold(last, "key"):
		if n == 1 {
			return kindAPIKey, false
		}
		if isWord(words[n-2], plainKeyWords) {
			return kindNone, false
		}
		return kindAPIKey, true
	case gluedKey(last):
		return kindAPIKey, true
	case isWord(last, plainTails):
		return kindNone, false
	case equalFold(last, "community"), equalFold(last, "pepper"):
		return kindPassword, true
	}
	for i := n - 2; i >= 0; i-- {
		switch w := words[i]; {
		case equalFold(w, "password"), equalFold(w, "passwd"), equalFold(w, "passphrase"):
			return kindPassword, true
		case equalFold(w, "secret"):
			return kindSecret, true
		case equalFold(w, "token"):
			return kindToken, true
		case equalFold(w, "apikey"), equalFold(w, "key") && i > 0 && isWord(words[i-1], secretKeyWords):
			return kindAPIKey, true
		case equalFold(w, "credential"), equalFold(w, "credentials"):
			return kindCredential, true
		}
	}
	return kindNone, false
}

// weakKinds are what weakClass may say, in the order of the hints.
var weakKinds = [...]kindID{kindAPIKey, kindPassword, kindSecret, kindToken, kindCredential}

// weakHint is weakClass as the hint of a place. A field that is called key alone
// holds the name of an object more often than not.
func weakHint(name string) hint {
	kind, hex := weakClass(name)
	for i, k := range weakKinds {
		if k == kind && hex {
			return hintWeak + hint(i)
		}
	}
	return hintNone
}

// kind is what a value is called that looks random at a place with a weak hint.
func (h hint) kind() kindID { return weakKinds[h-hintWeak] }

// splitWords cuts a name into its words: foo_bar, fooBar and FOOBar have two.
// Of a longer name only the last words count; n is how many there are.
func splitWords(name string, words *[12]string) (n int) {
	add := func(w string) {
		if w == "" {
			return
		}
		if n == len(words) {
			copy(words[:], words[1:])
			n--
		}
		words[n] = w
		n++
	}
	start := 0
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !in(c, setAlnum) {
			add(name[start:i])
			start = i + 1
			continue
		}
		if i > start && in(c, setUpper) && (in(name[i-1], setLower|setDigit) || i+1 < len(name) && in(name[i+1], setLower)) {
			add(name[start:i])
			start = i
		}
	}
	add(name[start:])
	return n
}

// gluedKey says whether w is a word with key behind it, as in SKEY or fookey,
// that does not end in one of plainKeyWords and key.
func gluedKey(w string) bool {
	n := len(w) - len("key")
	if n < 1 || !equalFold(w[n:], "key") {
		return false
	}
	for i := range n {
		if isWord(w[i:n], plainKeyWords) {
			return false
		}
	}
	return true
}

// isWord says whether the lower case of w is among words.
func isWord(w string, words map[string]bool) bool {
	if len(w) > 16 {
		return false
	}
	var buf [16]byte
	for i := 0; i < len(w); i++ {
		buf[i] = fold(w[i])
	}
	return words[string(buf[:len(w)])]
}

func wordSet(words ...string) map[string]bool {
	out := make(map[string]bool, len(words))
	for _, w := range words {
		out[w] = true
	}
	return out
}

// plainKeyWords stand before "key" where it opens no door: the key of a map, a
// row or an object, a key on a keyboard, a key that is public.
var plainKeyWords = wordSet(
	"aggregate", "annotation", "answer", "array", "arrow", "asset", "attribute", "attachment", "block", "blob", "board", "bucket",
	"cache", "cached", "cert", "certificate", "chain", "child", "cluster", "cmk", "column", "commit", "composite", "compound", "cond",
	"condition", "config", "container", "content", "context", "continuation", "correlation", "ctrl", "ctx", "cursor", "data", "dedup",
	"deduplication", "dedupe", "dict", "dimension", "dir", "display", "dkim", "doc", "document", "domain", "down", "edge", "element",
	"end", "enter", "entity", "entry", "env", "error", "etcd", "evaluated", "event", "exclusive", "feature", "fetch", "field", "file",
	"filter", "fingerprint", "first", "flag", "folder", "foreign", "form", "gpg", "group", "grouping", "hash", "hashed", "header",
	"home", "host", "hosts", "hot", "i18n", "idempotency", "identity", "image", "index", "input", "issue", "item", "job", "join",
	"json", "kms", "known", "label", "lang", "language", "last", "layout", "left", "line", "list", "locale", "lock", "log", "lookup",
	"map", "match", "media", "menu", "merge", "message", "meta", "metadata", "metric", "modifier", "module", "msg", "mutex",
	"namespace", "natural", "nav", "navigation", "next", "node", "object", "obj", "offset", "option", "order", "org", "output",
	"package", "page", "param", "parameter", "params", "parent", "part", "partition", "path", "peer", "permission", "pgp", "pick",
	"policy", "pref", "preference", "prev", "previous", "primary", "prop", "property", "project", "pub", "public", "publishable",
	"query", "queue", "range", "react", "record", "redis", "ref", "reference", "registry", "relation", "request", "resource",
	"response", "result", "return", "right", "role", "root", "route", "routing", "row", "rule", "s3", "scan", "schema", "scope",
	"section", "series", "setting", "settings", "shard", "shift", "short", "shortcut", "site", "sort", "sorting", "source", "span",
	"ssh", "start", "state", "stats", "status", "step", "store", "stream", "string", "surrogate", "tab", "table", "tag", "tags",
	"target", "task", "template", "tenant", "theme", "ticket", "time", "title", "topic", "trace", "translation", "tree", "trust",
	"trusted", "tuple", "type", "unique", "unknown", "up", "upload", "uri", "url", "user", "validation", "value", "var", "variable",
	"verification", "verify", "verifying", "version", "view", "widget", "window", "workflow", "zone",
)

// secretKeyWords stand before a key that opens a door.
var secretKeyWords = wordSet("api", "secret", "access", "private", "signing", "encryption", "master", "shared", "auth")

// plainTails end a name that speaks of a secret without holding it.
var plainTails = wordSet(
	"id", "ids", "uid", "uuid", "guid", "jti", "name", "names", "type", "types", "kind", "class", "ttl", "url", "uri", "urls", "endpoint",
	"host", "path", "file", "filename", "dir", "folder", "count", "len", "length", "size", "limit", "max", "min", "policy",
	"expiry", "expires", "expiration", "exp", "ref", "refs", "arn", "version", "versions", "revision", "rev", "hash", "sha", "sha1",
	"sha256", "sha512", "md5", "digest", "checksum", "fingerprint", "thumbprint", "etag", "algorithm", "alg", "format", "status",
	"state", "at", "time", "timestamp", "date", "created", "updated", "rotated", "rotation", "enabled", "disabled", "required",
	"valid", "age", "hint", "field", "fields", "issuer", "audience", "scope", "scopes", "provider", "manager", "store", "namespace",
	"label", "labels", "description", "title", "owner", "user", "username", "email", "role", "group", "region", "index",
	"position", "offset", "table", "column", "param", "params", "header", "env", "source", "location", "bucket", "commit", "image",
	"tag", "request", "response", "error", "message", "code", "event", "trace", "span", "client", "server", "service", "account",
	"identifier", "alias", "usage", "budget", "bucketname", "cache", "schema", "nonce", "salt", "iv", "selector", "placeholder",
	"prefix", "suffix", "serial", "cert", "certificate", "resource", "key", "mount", "engine", "backend", "accessor", "reference",
)

// weak looks at what is assigned to a name that says little. It says whether
// there was such a name.
func (s *Scanner) weak(v string, start, end int, flag bool, name string) bool {
	kind, hex := weakClass(name)
	if kind == kindNone {
		return false
	}
	from, valueEnd := len(s.spans), s.valueEnd
	// A secret is not longer than randomMax: reading on would only cost, since
	// what is no secret may hold further names.
	s.assigned(v[:min(len(v), end+randomMax+weakReach)], start, end, flag, kind, name)
	kept := s.spans[:from]
	for _, sp := range s.spans[from:] {
		if text := v[sp.start:sp.end]; weakSecret(text, kind, hex) && !endsInName(text) {
			kept = append(kept, sp)
		}
	}
	if s.spans = kept; len(kept) == from {
		s.valueEnd = valueEnd // the value may hold names of its own
		if j := skipBlanks(v, end); hex && j > end {
			s.adjacent(v, j, kind, hex)
		}
	}
	return true
}

// adjacent handles a name and a random value with nothing but a space between
// them: "rejected token 3kD…", "using secret 'x'". i is where the value begins.
func (s *Scanner) adjacent(v string, i int, kind kindID, hex bool) {
	if i+2 < len(v) && v[i] == '-' && v[i+1] == ' ' {
		i = skipBlanks(v, i+2) // "token - x" of a note
	}
	if i >= len(v) {
		return
	}
	if _, _, w := quoteAt(v, i); w > 0 {
		i += w
	}
	limit := min(len(v), i+adjacentReach)
	end := run(v[:limit], i, setOpaque)
	s.spend(end - i)
	if end == limit && limit < len(v) {
		return
	}
	for end > i && v[end-1] == '.' {
		end--
	}
	if end-i < adjacentMin || end < len(v) && (v[end] == ':' || v[end] == '@' || v[end] == '(') {
		return
	}
	if random(v[i:end], hex) {
		s.add(i, end, kind, decodeNone)
		s.valueEnd = max(s.valueEnd, end)
	}
}

// weakSecret says whether v, assigned to a weak name, is a secret: it looks
// random, or for a password as people make them up by a policy.
func weakSecret(v string, kind kindID, hex bool) bool {
	if random(v, hex) {
		return true
	}
	if kind != kindPassword || len(v) < 8 || len(v) > 64 {
		return false
	}
	digit, lower, upper := shapes(v)
	sign := 0
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case in(c, setSpace) || c == '/' || c == '\\' || c == '(' || c == ':' || c == ',':
			return false // words, a path, a call, a URL, a date, a list
		case !in(c, setTilde):
			sign++
		}
	}
	return lower+upper > 0 && (sign > 0 && digit > 0 || digit > 0 && lower > 0 && upper > 0 && sign+digit > 1)
}

// endsInName says whether v is the name of a variable rather than its value:
// fooKey = pkcs8TestPKCS1Key.
func endsInName(v string) bool {
	for _, end := range [...]string{"key", "token", "secret", "hex", "base64"} {
		if n := len(v) - len(end); n > 0 && equalFold(v[n:], end) && in(v[n], setUpper) {
			return true
		}
	}
	return false
}

const (
	adjacentMin   = 20
	adjacentReach = 264

	weakMin      = 8
	randomMin    = 16
	randomMinHex = 24
	randomMax    = 256

	weakReach = 64 // between a name and its value
)

// random says whether v looks like what a generator made: no word, no path, no
// date, no version, no id of the usual form. hex says whether a run of hex digits
// may be more than a hash.
func random(v string, hex bool) bool {
	if len(v) < randomMin || len(v) > randomMax {
		return false
	}
	if allIn(v, setHex) {
		return len(v) >= randomMinHex && randomHexDigits(v, hex)
	}
	if isUUID(v) {
		return false
	}
	// A piece between separators that is a word makes the whole a name, unless
	// another piece is long enough to be a secret of its own.
	words, longest, start := false, "", 0
	for i := 0; i <= len(v); i++ {
		if i < len(v) && in(v[i], setAlnum) {
			continue
		}
		if i < len(v) && v[i] != '-' && v[i] != '_' && v[i] != '.' && v[i] != '/' && v[i] != '+' && v[i] != '=' && v[i] != '~' {
			return false
		}
		piece := v[start:i]
		if len(piece) > len(longest) {
			longest = piece
		}
		if plainWord(piece) {
			words = true
		}
		start = i + 1
	}
	if words || len(longest) < 8 {
		if len(longest) < adjacentMin || len(longest) == len(v) {
			return false
		}
		v = longest
		if allIn(v, setHex) {
			return randomHexDigits(v, hex)
		}
	}
	digit, lower, upper := shapes(v)
	if (lower+upper)*5 < len(v) || digit*24 < len(v) || digit < 2 {
		return false
	}
	groups, camel := 0, 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		if in(c, setDigit) && (i == 0 || !in(v[i-1], setDigit)) {
			groups++
		}
		if in(c, setUpper) && i+1 < len(v) && in(v[i+1], setLower) && (i == 0 || !in(v[i-1], setUpper)) {
			camel++
		}
	}
	switch {
	case lower > 0 && upper > 0:
		return groups >= 2 && (camel < upper || groups >= 4)
	default:
		return groups >= 3
	}
}

// randomHexDigits: digits and letters, and not one of them mostly. Written in
// both cases they are no hash, whatever hex says.
func randomHexDigits(v string, hex bool) bool {
	digit, lower, upper := shapes(v)
	return (hex || lower > 1 && upper > 1) && digit >= len(v)/8 && lower+upper >= len(v)/8
}

// plainWord: four letters or more of one case, as words are written, and nothing
// else; a capital may begin it.
func plainWord(v string) bool {
	if len(v) < 4 {
		return false
	}
	return allIn(v[1:], setLower) && in(v[0], setLower|setUpper) || allIn(v, setUpper)
}
