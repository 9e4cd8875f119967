// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package integrity is the chain: leaf hashes, tags, lines, keys and their
// epochs, watermarks, the tree and its checkpoints, proofs, and the verdict on
// the files of a chain. docs/SPEC.md is its contract.
//
// A line is a payload and a suffix:
//
//	{"timestamp":"…",…,"seq":17,"hmac":"9f2c…"}
//
//	leaf(n) = SHA-256(0x00 || payload(n))
//	mac(n)  = HMAC-SHA256(K, "auditchain/v1" || mac(n-1) || uint64_be(n) || leaf(n))
//
// The smallest use is to seal a line and to check it:
//
//	s := integrity.NewSealer(key, chainID)
//	mac := s.MAC(previous, seq, integrity.Leaf(payload))
//	line := integrity.Line{Payload: payload, Seq: seq, MAC: mac}.Append(nil)
//
// and [Verify] judges a whole chain, in one file or in several: with its keys,
// or with the public key of its checkpoints alone, and beside checkpoints that
// were kept elsewhere.
//
// A [Key] is static, or steps one way ([Key.Next]). A [Range] is what a writer
// keeps of the Merkle tree (RFC 6962) over the lines, a [Checkpoint] what it
// signs of it, and a [Proof] leads from one line to a checkpoint.
//
// Guaranteed: bytes in, verdict out. The package reads no file and no clock,
// knows no OpenTelemetry and logs nothing; memory does not grow with the
// input; no error holds a key or the content of a record. Where a journal is
// reported as verified, each of its lines is as whoever held the key sealed
// it (without a key: as whoever signs the checkpoints signed it), or is a
// tombstone that somebody with the erasure key ordered; in that order, without
// a gap, from the first one (or from where on a retention policy left it, and
// the report says where) up to the watermark, or to a checkpoint that was given.
//
// Not guaranteed: who holds the key can forge a chain, from the epoch of the key
// on; and an older copy of a whole folder verifies as of the time that its
// watermark names. Only a checkpoint that was kept elsewhere shows either.
package integrity
