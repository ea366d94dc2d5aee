package fixedhex_test

import (
	"errors"
	"testing"

	"github.com/asterism-k8s/asterism/domain/internal/fixedhex"
)

func TestDecode(t *testing.T) {
	var got [5]byte
	if err := fixedhex.Decode(got[:], []byte("09afbc42e7")); err != nil || got != [5]byte{0x09, 0xaf, 0xbc, 0x42, 0xe7} {
		t.Errorf("Decode = %x, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, text := range []string{"", "0", "000", "00000", "000000", "AF00", "0x00", "0g00", "/000", ":000", "`000", "00 0", "é00"} {
		got := [2]byte{1, 2}
		if err := fixedhex.Decode(got[:], []byte(text)); !errors.Is(err, fixedhex.ErrText) || got != [2]byte{1, 2} {
			t.Errorf("Decode(%q) = %x, %v; want ErrText and nothing changed", text, got, err)
		}
	}
}
