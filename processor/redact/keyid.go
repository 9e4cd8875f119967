// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// isAWSKeyID says whether v has the form of the id of an AWS access key.
func isAWSKeyID(v string) bool {
	return len(v) == 20 && (v[:4] == "AKIA" || v[:4] == "ASIA") && allIn(v[4:], setUpperDigit)
}

// isAlibabaKeyID says whether v has the form of the id of an Alibaba Cloud
// access key.
func isAlibabaKeyID(v string) bool {
	return len(v) >= 20 && len(v) <= 30 && v[:4] == "LTAI" && allIn(v, setAlnum) && varied(v[4:], mixAll)
}

// isKeyIDScope says whether v is the id of an AWS access key, or its marker, and
// the scope that it was used in, as a signed request names them:
// AKIA…/20261124/us-east-1/s3/aws4_request. None of it is secret; what becomes
// of the id is for its policy to say.
func (s *Scanner) isKeyIDScope(v string) bool {
	const date, end = 8, "aws4_request"
	if len(v) > 192 || !strings.HasSuffix(v, end) {
		return false
	}
	n, kind := s.r.kinds.parseMarker(v)
	switch {
	case n > 0 && kind == kindAWSAccessKeyID:
	case len(v) > 20 && isAWSKeyID(v[:20]):
		n = 20
	default:
		return false
	}
	// Date, region, service: small letters and digits between slashes.
	parts := strings.Split(strings.ReplaceAll(strings.ReplaceAll(v[n:], "%2f", "/"), "%2F", "/"), "/")
	if len(parts) != 5 || parts[0] != "" || len(parts[1]) != date || !allIn(parts[1], setDigit) || parts[4] != end {
		return false
	}
	for _, p := range parts[2:4] {
		if len(p) > 24 || strings.ContainsFunc(p, func(r rune) bool { return r != '-' && (r >= 0x80 || !in(byte(r), setLower|setDigit)) }) {
			return false
		}
	}
	return true
}

// keptID says whether v is the id of an access key, and stays as it is. Who
// wants to know which key was used wants it wherever it stands, also where a
// name would make it a secret (access_key = "AKIA…").
func (s *Scanner) keptID(v string) bool {
	if s.r.keyIDs != PolicyKeep {
		return false
	}
	v = strings.Trim(v, "'\" ")
	return isAWSKeyID(v) || isAlibabaKeyID(v)
}
