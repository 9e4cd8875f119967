// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package awskms lets a program that imports it use key files that are
// encrypted by the Key Management Service of AWS: awskms:// URLs
// (https://gocloud.dev/howto/secrets/#aws).
package awskms

import _ "gocloud.dev/secrets/awskms" // registers awskms://
