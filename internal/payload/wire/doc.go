// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package wire lays out a record's payload (docs/SPEC.md, section 6): the
// order of its members, what is lifted where, typed values, and the rules that
// hold for every payload whatever the input (section 2, rule 4).
//
// It knows no data model. An adapter (package payload for attribute.Value,
// package pdatapayload for pdata) walks its own values and drives a [Writer]:
//
//	w.Begin(b, &head)
//	for each attribute: if w.Attr(key) { w.AttrText(isString, text) }
//	if w.Pairs() { for each string whose key redact.IsPairName: w.Tell(&b, root, key, text); w.Told(&b, 0) }
//	if !w.Open(b) { return } // refused: audit.rejected stands in its place
//	if w.HasFields() { for each attribute: if w.IsField(i) { w.Field(i); its value, at w.Place(i) } }
//	w.AfterEvent()
//	w.BodyText(text) // or w.Body() and the value, or neither
//	if w.Attributes() {
//		for each attribute: if w.Stays(i) { w.Attribute(i); its value, at w.Place(i); w.EndAttribute() }
//		w.CloseAttributes()
//	}
//	w.End(b)
//
// Resource and scope are written before, once for the records that carry
// them: OpenResource, ResourceText, GroupAttributes and the map, CloseGroup.
//
// Each value is redacted as it is written, and each payload is hashed while it
// is still in the cache. A Writer holds no lock and, once its buffers have
// grown, allocates nothing for a record in which nothing is masked.
package wire
