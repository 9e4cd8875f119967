// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package hashivault lets a program that imports it use key files that are
// encrypted by the transit engine of HashiCorp Vault: hashivault:// URLs
// (https://gocloud.dev/howto/secrets/#vault).
//
// It brings packages under the Mozilla Public License 2.0 into the program.
package hashivault

import _ "gocloud.dev/secrets/hashivault" // registers hashivault://
