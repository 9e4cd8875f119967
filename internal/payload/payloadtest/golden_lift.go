// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payloadtest

import (
	"strings"

	"github.com/auditchain/auditchain/internal/payload"
	"go.opentelemetry.io/otel/attribute"
)

func sessions() []Case {
	lift := func(name, members, rest string, res []attribute.KeyValue, attrs ...attribute.KeyValue) Case {
		c := Case{Name: "lift/" + name, Record: rec(attrs...)}
		c.Want = stamp + members + `,"event":{"type":"log"},"event_name":"",` + newID + `,` + rest + end
		if res != nil {
			c.Record.Resource = &payload.Group{Attributes: res}
		}
		return c
	}
	session := func(v string) attribute.KeyValue { return attribute.String("session.id", v) }
	list := func(kvs ...attribute.KeyValue) []attribute.KeyValue { return kvs }
	return []Case{
		lift("from the record", `"session_id":"a"`, ``, nil, session("a")),
		lift("from the resource", `"session_id":"a"`, `"resource":{"attributes":{"session.id":"a"}},`, list(session("a"))),
		lift("the record's goes first", `"session_id":"b"`, `"resource":{"attributes":{"session.id":"a"}},`, list(session("a")), session("b")),
		lift("the same in both stays", `"session_id":"a"`, `"resource":{"attributes":{"session.id":"a"}},"attributes":{"session.id":"a"},`,
			list(session("a")), session("a")),
		lift("twice stays", `"session_id":"a"`, `"attributes":{"$pairs":[["session.id","a"],["session.id","b"]]},`, nil, session("a"), session("b")),
		lift("twice in the resource", `"session_id":"a"`, `"resource":{"attributes":{"$pairs":[["session.id","b"],["session.id","a"]]}},"attributes":{"session.id":"a"},`,
			list(session("b"), session("a")), session("a")),
		lift("only twice in the resource", `"session_id":"b"`, `"resource":{"attributes":{"$pairs":[["session.id","b"],["session.id","a"]]}},`,
			list(session("b"), session("a"))),
		lift("of duplicates the first", `"session_id":"a"`, `"resource":{"attributes":{"session.id":"a"}},"attributes":{"$pairs":[["session.id",1],["session.id","b"]]},`,
			list(session("a")), attribute.Int("session.id", 1), session("b")),
		lift("empty stays", `"session_id":""`, `"attributes":{"session.id":""},`, nil, session("")),
		lift("no string stays", `"session_id":"a"`, `"resource":{"attributes":{"session.id":"a"}},"attributes":{"session.id":7},`,
			list(session("a")), attribute.Int("session.id", 7)),
		lift("not UTF-8 stays", `"session_id":""`, `"attributes":{"session.id":{"$string":"//4="}},`, nil, session("\xff\xfe")),
		lift("the resource's is no string", `"session_id":"a"`, `"resource":{"attributes":{"session.id":[]}},`,
			list(attribute.Slice("session.id")), session("a")),
		lift("provider", `"session_id":"","provider":"gcp"`, ``, nil, attribute.String("cloud.provider", "gcp")),
		lift("provider of the resource", `"session_id":"s","provider":"gcp"`, `"resource":{"attributes":{"cloud.provider":"gcp"}},`,
			list(attribute.String("cloud.provider", "gcp")), session("s")),
		lift("provider with an escape", `"session_id":"","provider":"a\nb"`, ``, nil, attribute.String("cloud.provider", "a\nb")),
	}
}

func events() []Case {
	audit := func(name, eventName, event, rest string, attrs ...attribute.KeyValue) Case {
		c := Case{Name: "event/" + name, Record: rec(attrs...)}
		c.Record.EventName = eventName
		c.Want = stamp + `"session_id":"","event":` + event + `,` + newID + `,` + rest + end
		return c
	}
	other := func(name, eventName, event, rest string, attrs ...attribute.KeyValue) Case {
		c := Case{Name: "event/" + name, Record: rec(attrs...)}
		c.Record.EventName = eventName
		c.Want = stamp + `"session_id":"","event":` + event + rest + end
		return c
	}
	return []Case{
		audit("no fields", "audit.x", `{"type":"x"}`, ``),
		audit("dotted type", "audit.a.b\"", `{"type":"a.b\""}`, ``),
		audit("the order of the attributes", "audit.x", `{"type":"x","b":1,"a":[true],"$c":null,"d\n":{"e":1}}`, `"attributes":{"other":1},`,
			attribute.Int("audit.event.b", 1), attribute.BoolSlice("audit.event.a", []bool{true}), attribute.Int("other", 1),
			attribute.KeyValue{Key: "audit.event.$c"}, attribute.Map("audit.event.d\n", attribute.Int("e", 1))),
		audit("of duplicate fields the first", "audit.x", `{"type":"x","a":1}`, `"attributes":{"$pairs":[["audit.event.a",2],["audit.event.a",3]]},`,
			attribute.Int("audit.event.a", 1), attribute.Int("audit.event.a", 2), attribute.Int("audit.event.a", 3)),
		audit("of two the second stays alone", "audit.x", `{"type":"x","a":1}`, `"attributes":{"audit.event.a":2},`,
			attribute.Int("audit.event.a", 1), attribute.Int("audit.event.a", 2)),
		audit("a field without a name stays", "audit.x", `{"type":"x"}`, `"attributes":{"audit.event.":1},`, attribute.Int("audit.event.", 1)),
		audit("a field not UTF-8 stays", "audit.x", `{"type":"x"}`, `"attributes":{"$pairs":[[{"$string":"YXVkaXQuZXZlbnQu/w=="},1]]},`, attribute.Int("audit.event.\xff", 1)),
		audit("fields named like members", "audit.x", `{"type":"x","timestamp":1,"seq":2,"hmac":3,"control":4}`, ``,
			attribute.Int("audit.event.timestamp", 1), attribute.Int("audit.event.seq", 2), attribute.Int("audit.event.hmac", 3), attribute.Int("audit.event.control", 4)),
		other("plain log", "", `{"type":"log"},"event_name":"",`+newID+`,`, ``),
		other("named", "user.login", `{"type":"user.login"},"event_name":"user.login",`+newID+`,`, ``),
		other("only the prefix", "audit.", `{"type":"audit."},"event_name":"audit.",`+newID+`,`, `"attributes":{"audit.event.type":"x"},`, attribute.String("audit.event.type", "x")),
		other("prefix and not UTF-8", "audit.\xff", `{"type":"log"},"event_name":{"$string":"YXVkaXQu/w=="},`+newID+`,`, ``),
		other("fields of no audit event stay", "x", `{"type":"x"},"event_name":"x",`+newID+`,`, `"attributes":{"audit.event.a":1},`, attribute.Int("audit.event.a", 1)),
		other("the writer's own name, sent by somebody", "audit.rejected", `{"type":"audit.rejected"},"event_name":"audit.rejected",`+newID+`,`,
			`"attributes":{"audit.event.reason":"too_large","audit.event.type":"x"},`,
			attribute.String("audit.event.reason", "too_large"), attribute.String("audit.event.type", "x")),
		other("its type alone", "rejected", `{"type":"rejected"},"event_name":"rejected",`+newID+`,`, ``),
		audit("a type that begins like it", "audit.rejected.x", `{"type":"rejected.x","a":1}`, ``, attribute.Int("audit.event.a", 1)),
		{
			Name:       "event/type is refused",
			NoIdentity: "audit.rejected stands in its place",
			Record: payload.LogRecord{
				Timestamp: at(), EventName: "audit.x", Body: attribute.StringValue("must not appear"),
				Attributes: []attribute.KeyValue{
					attribute.String("audit.event.a", "must not appear"), attribute.String("audit.event.type", "y"),
					attribute.String("audit.record.id", givenID), attribute.String("session.id", "must not appear"),
				},
				Resource: &payload.Group{Attributes: []attribute.KeyValue{attribute.String("cloud.provider", "gcp"), attribute.String("session.id", "r")}},
				Scope:    &payload.Group{Name: "n"},
			},
			Want: filled + `"session_id":"r","provider":"gcp",
				"event":{"type":"rejected","reason":"event_field_type","record_id":"` + givenID + `"},` + newID + `,
				"severity":13,"severity_text":"WARN","body":"record refused: event_field_type",
				"resource":{"attributes":{"cloud.provider":"gcp","session.id":"r"}},"scope":{"name":"n"},"blind":"AAAAAAAAAAAAAAAAAAAAAA"`,
		},
	}
}

func ids() []Case {
	id := func(name, want, rest, end string, attrs ...attribute.KeyValue) Case {
		return Case{Name: "id/" + name, Record: rec(attrs...), Want: stamp + `"session_id":"","event":{"type":"log"},"event_name":"","id":"` + want + `",` + rest + end}
	}
	const (
		given   = `"blind":"AAAAAAAAAAAAAAAAAAAAAA"`
		derived = "654f1767-1662-8e88-b4de-b5efaf56c42e" // of 01JDXYZ-ulid
		fresh   = "01a207e6-e103-7000-8000-000000000000"
	)
	own := func(v string) attribute.KeyValue { return attribute.String("audit.record.id", v) }
	uid := func(v string) attribute.KeyValue { return attribute.String("log.record.uid", v) }
	return []Case{
		id("given", givenID, ``, given, own(givenID)),
		id("given, and the same twice", givenID, `"attributes":{"$pairs":[["audit.record.id","`+givenID+`"],["audit.record.id","`+givenID+`"]]},`, given, own(givenID), own(givenID)),
		id("given, uid stays", givenID, `"attributes":{"log.record.uid":"u"},`, given, own(givenID), uid("u")),
		id("all zero is an id", "00000000-0000-0000-0000-000000000000", ``, given, own("00000000-0000-0000-0000-000000000000")),
		id("upper case is no UUID", "", `"attributes":{"audit.record.id":"019A0000-0000-7000-8000-0000000000AA"},`, end, own("019A0000-0000-7000-8000-0000000000AA")).
			withID(derive("019A0000-0000-7000-8000-0000000000AA")),
		id("derived", derived, `"attributes":{"audit.record.id":"01JDXYZ-ulid"},`, end, own("01JDXYZ-ulid")),
		id("derived from uid", derived, `"attributes":{"log.record.uid":"01JDXYZ-ulid"},`, end, uid("01JDXYZ-ulid")),
		id("uid is a UUID", givenID, `"attributes":{"log.record.uid":"`+givenID+`"},`, end, uid(givenID)),
		id("empty, so uid", derived, `"attributes":{"log.record.uid":"01JDXYZ-ulid","audit.record.id":""},`, end, uid("01JDXYZ-ulid"), own("")),
		id("no string, so uid", derived, `"attributes":{"audit.record.id":7,"log.record.uid":"01JDXYZ-ulid"},`, end, attribute.Int("audit.record.id", 7), uid("01JDXYZ-ulid")),
		id("neither", fresh, `"attributes":{"audit.record.id":7,"log.record.uid":""},`, end, attribute.Int("audit.record.id", 7), uid("")),
		id("a marker determines nothing", fresh, `"attributes":{"log.record.uid":"[REDACTED:token]"},`, end, uid("[REDACTED:token]")),
		id("braces are no canonical UUID", "", `"attributes":{"audit.record.id":"{`+givenID+`}"},`, end, own("{"+givenID+"}")).withID(derive("{" + givenID + "}")),
	}
}

func (c Case) withID(id string) Case {
	c.Want = strings.Replace(c.Want, `"id":""`, `"id":"`+id+`"`, 1)
	return c
}

func times() []Case {
	const logAnd = `"session_id":"","event":{"type":"log"},"event_name":"",`
	at := func(name string, r payload.LogRecord, want string) Case {
		return Case{Name: "time/" + name, Record: r, Want: want + `,"blind":"AAAAAAAAAAAAAAAAAAAAAA"`}
	}
	own := func(v string) []attribute.KeyValue {
		return []attribute.KeyValue{attribute.String("audit.record.id", v)}
	}
	return []Case{
		at("observed", payload.LogRecord{Observed: 1, Attributes: own(givenID)},
			`{"timestamp":"1970-01-01T00:00:00.000000001Z",`+logAnd+`"id":"`+givenID+`","observed":"1970-01-01T00:00:00.000000001Z","filled":["timestamp"]`),
		at("of the id", payload.LogRecord{Attributes: own("01a207e6-dd1b-7000-8000-000000000000")},
			`{"timestamp":"2026-11-23T10:15:00.123000000Z",`+logAnd+`"id":"01a207e6-dd1b-7000-8000-000000000000","filled":["timestamp"]`),
		at("not of an id of another version", payload.LogRecord{Attributes: own("01a207e6-dd1b-4000-8000-000000000000")},
			filled+logAnd+`"id":"01a207e6-dd1b-4000-8000-000000000000","filled":["timestamp"]`),
		at("not of an id beyond the end of time", payload.LogRecord{Attributes: own("ffffffff-ffff-7fff-bfff-ffffffffffff")},
			filled+logAnd+`"id":"ffffffff-ffff-7fff-bfff-ffffffffffff","filled":["timestamp"]`),
		at("the last", payload.LogRecord{Timestamp: 1<<64 - 1, Observed: 951782400000000000, Attributes: own(givenID)},
			`{"timestamp":"2554-07-21T23:34:33.709551615Z",`+logAnd+`"id":"`+givenID+`","observed":"2000-02-29T00:00:00.000000000Z"`),
	}
}

func bodies() []Case {
	text := func(name, v, want string) Case { return body(name, attribute.StringValue(v), want) }
	json := func(name, v string) Case { return text("json "+name, v, `"body":`+v+`,"body_form":"json",`) }
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	return []Case{
		body("empty", attribute.Value{}, ``),
		text("empty string", ``, `"body":"",`),
		text("string", `x`, `"body":"x",`),
		body("typed", attribute.MapValue(attribute.ByteSlice("$b", []byte{0})), `"body":{"$map":{"$b":{"$bytes":"AA=="}}},`),
		body("int", attribute.Int64Value(-5), `"body":-5,`),
		json("object", `{"a" : [1,2.50,-1e5,true,null,"\u00e9é\/"] ,"b":{}}`),
		json("array", `[ ]`),
		json("with forms is not typed", `{"$string":"//4="}`),
		json("64 deep", deep(64)),
		json("numbers that no double holds", `[1e999,123456789012345678901234567890]`),
		json("pairs of surrogates", `["\ud83d\ude00\uDBFF\uDFFF"]`),
		json("a suffix", `{"x":"y","seq":1,"hmac":"00"}`),
		text("65 deep", deep(65), `"body":"`+deep(65)+`",`),
		text("a key twice", `{"a":1,"b":{"c":1,"c":2}}`, `"body":"{\"a\":1,\"b\":{\"c\":1,\"c\":2}}",`),
		text("a key twice behind an escape", `{"a":1,"\u0061":2}`, `"body":"{\"a\":1,\"\\u0061\":2}",`),
		text("with a line break", "{\n}", `"body":"{\n}",`),
		text("with a space around it", ` {}`, `"body":" {}",`),
		text("two values", `{}{}`, `"body":"{}{}",`),
		text("not UTF-8", "[\"\xff\"]", `"body":{"$string":"WyL/Il0="},`),
		text("half a pair of surrogates", `{"a":"\ud800"}`, `"body":"{\"a\":\"\\ud800\"}",`),
		text("the other half in a key", `{"\udc00":1}`, `"body":"{\"\\udc00\":1}",`),
		text("no JSON", `[1,]`, `"body":"[1,]",`),
		text("a JSON string", `"x"`, `"body":"\"x\"",`),
		text("a number", `1`, `"body":"1",`),
	}
}
