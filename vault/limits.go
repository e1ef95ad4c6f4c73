package vault

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"lockbox/proxy/secret"
)

const (
	// linuxValue is below what bus and keyrings take, and more than any key.
	linuxValue = 1 << 20
	// windowsValue is CRED_MAX_CREDENTIAL_BLOB_SIZE, 5 × 512 bytes.
	windowsValue = 2560
	// windowsUser is CRED_MAX_USERNAME_LENGTH less the closing zero.
	windowsUser = 512
	// darwinCommand is the longest line that `security -i` reads. At exactly its
	// buffer of 4,096 bytes it fails and says nothing.
	darwinCommand = 4095
)

// darwinLine is the rest of the line that go-keyring gives to `security -i`,
// with the quotes that the name may need.
const darwinLine = "add-generic-password -U -s " + itemService + " -a '' -w go-keyring-base64:\n"

// checkLimits refuses what the keychain of an operating system (a GOOS) cannot
// hold, before anything is written.
func checkLimits(goos, user string, v secret.Value) error {
	if v.IsZero() {
		return errEmpty
	}
	switch goos {
	case "windows":
		if n := len(foldName(goos, user)); n > windowsUser {
			return fmt.Errorf("the name takes %d bytes and Windows holds names of %d at most; choose a shorter one", n, windowsUser)
		}
		return checkLength(v, windowsValue, "Windows", "use a vault file, or "+ownFile)
	case "darwin":
		room := darwinCommand - len(darwinLine) - len(user)
		if room < 4 {
			return fmt.Errorf("the name takes %d bytes, too many for the macOS keychain; choose a shorter one", len(user))
		}
		return checkLength(v, base64.StdEncoding.DecodedLen(room), "the macOS keychain with this name", "use a vault file, or "+ownFile)
	}
	return checkLength(v, linuxValue, "Lockbox", ownFile)
}

// ownFile is what to do with what no vault holds.
const ownFile = "keep it in a file of its own and refer to it by file:///path"

func checkLength(v secret.Value, limit int, holder, next string) error {
	if v.Len() <= limit {
		return nil
	}
	return fmt.Errorf("the secret has %d bytes and %s holds %d at most; %s", v.Len(), holder, limit, next)
}

// refs turns the names of items into sorted references, each once. Names that
// Lockbox did not write are left out.
func refs(users []string) []secret.Ref {
	out := []secret.Ref{}
	for _, user := range users {
		if ref, err := secret.ParseRef(secret.Keychain + "://" + user); err == nil {
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, func(a, b secret.Ref) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

// foldName keeps names apart that differ only in case where goos does not: the
// Windows Credential Manager would overwrite one with the other.
func foldName(goos, user string) string {
	if goos != "windows" {
		return user
	}
	var b strings.Builder
	for i := 0; i < len(user); i++ {
		switch c := user[i]; {
		case c == '%' && i+2 < len(user):
			b.WriteString(user[i : i+3])
			i += 2
		case 'A' <= c && c <= 'Z':
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
