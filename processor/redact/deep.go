// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// skipDeep is the end of the object or array at v[i:], checked without
// recursion: one bit per open bracket.
func skipDeep(v string, i int) (end int, ok bool) {
	const (
		wantValue = iota // or the end of an array that has just begun
		wantKey          // or the end of an object that has just begun
		wantMore         // ',' or a closing bracket
	)
	var open []uint64 // set: an object
	depth := 0
	isObject := func() bool { return open[(depth-1)>>6]>>((depth-1)&63)&1 != 0 }
	push := func(object bool) {
		if depth>>6 >= len(open) {
			open = append(open, 0)
		}
		open[depth>>6] &^= 1 << (depth & 63)
		if object {
			open[depth>>6] |= 1 << (depth & 63)
		}
		depth++
	}
	want, fresh := wantValue, false
	for i < len(v) {
		c := v[i]
		if in(c, setSpace) {
			i++
			continue
		}
		switch want {
		case wantKey:
			if c == '}' && fresh {
				depth--
				i++
				want, fresh = wantMore, false
				break
			}
			if i, ok = skipString(v, i); !ok {
				return i, false
			}
			for i < len(v) && in(v[i], setSpace) {
				i++
			}
			if i >= len(v) || v[i] != ':' {
				return i, false
			}
			i++
			want, fresh = wantValue, false
		case wantValue:
			switch {
			case c == '{':
				push(true)
				i++
				want, fresh = wantKey, true
			case c == '[':
				push(false)
				i++
				want, fresh = wantValue, true
			case c == ']' && fresh && depth > 0 && !isObject():
				depth--
				i++
				want, fresh = wantMore, false
			case c == '"':
				if i, ok = skipString(v, i); !ok {
					return i, false
				}
				want, fresh = wantMore, false
			default:
				if i, ok = skipValue(v, i); !ok {
					return i, false
				}
				want, fresh = wantMore, false
			}
		case wantMore:
			switch {
			case c == ',' && isObject():
				want, fresh = wantKey, false
			case c == ',':
				want, fresh = wantValue, false
			case c == '}' && isObject(), c == ']' && !isObject():
				depth--
			default:
				return i, false
			}
			i++
		}
		if depth == 0 && want == wantMore {
			return i, true
		}
	}
	return i, false
}

// skipValue is the end of the value at v[i:].
func skipValue(v string, i int) (end int, ok bool) {
	if i >= len(v) {
		return i, false
	}
	switch v[i] {
	case '"':
		return skipString(v, i)
	case '{', '[':
		return skipDeep(v, i)
	}
	if end = number(v, i); end > i {
		return end, true
	}
	for _, w := range [...]string{"true", "false", "null"} {
		if len(v)-i >= len(w) && v[i:i+len(w)] == w {
			return i + len(w), true
		}
	}
	return i, false
}

// skipString is the end of the string at v[i:].
func skipString(v string, i int) (end int, ok bool) {
	if v[i] != '"' {
		return i, false
	}
	for i++; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"':
			return i + 1, true
		case c < 0x20:
			return i, false
		case c == '\\':
			if i+1 >= len(v) {
				return i, false
			}
			switch v[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i++
			case 'u':
				if _, ok := unicodeEscapeAt(v, i); !ok {
					return i, false
				}
				i += 5
			default:
				return i, false
			}
		}
	}
	return i, false
}
