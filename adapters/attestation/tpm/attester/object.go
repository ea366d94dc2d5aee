package attester

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/asterism-k8s/asterism/adapters/attestation/tpm/profile"
)

// object is a key of the TPM that can be loaded again without making it again.
type object struct {
	create  func(transport.TPM) (*profile.Key, error)
	handle  tpm2.TPMHandle // zero while it is not loaded
	name    tpm2.TPM2BName
	public  []byte // TPMT_PUBLIC
	context tpm2.TPMSContext
	// qualified is what a TPM writes into what it signs with the key (TPM 2.0
	// Library, Part 1, section 16).
	qualified []byte
}

// errEvicted says that a handle is another object's by now.
var errEvicted = errors.New("the key's handle is another object's")

// createObject makes a key and loads it.
func createObject(t transport.TPM, create func(transport.TPM) (*profile.Key, error)) (*object, error) {
	key, err := create(t)
	if err != nil {
		return nil, err
	}
	o := &object{create: create, handle: key.Handle, name: key.Name, public: key.Public}
	saved, err := tpm2.ContextSave{SaveHandle: key.Handle}.Execute(t)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("saving a key: %w", err), o.unload(t))
	}
	o.context = saved.Context
	area, err := tpm2.ReadPublic{ObjectHandle: key.Handle}.Execute(t)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading a key: %w", err), o.unload(t))
	}
	o.qualified = area.QualifiedName.Buffer
	return o, nil
}

// load brings the key back. Where the TPM does not know its saved context any
// more, because it was reset in between, the key is made anew.
//
// The error wraps ErrReplaced where that makes another key than before: the seed of
// the endorsement hierarchy was changed (TPM2_ChangeEPS, TPM 2.0 Library, Part 3,
// section 24.5), which makes another TPM of it.
func (o *object) load(t transport.TPM) error {
	if o.handle != 0 {
		return nil
	}
	loaded, err := tpm2.ContextLoad{Context: o.context}.Execute(t)
	if err == nil {
		o.handle = loaded.LoadedHandle
		return nil
	}
	if !stale(err) {
		return fmt.Errorf("loading a key: %w", err)
	}
	made, err := createObject(t, o.create)
	if err != nil {
		return err
	}
	if !bytes.Equal(made.public, o.public) {
		return errors.Join(replaced(), made.unload(t))
	}
	*o = *made
	return nil
}

// unload flushes the key.
func (o *object) unload(t transport.TPM) error {
	if o.handle == 0 {
		return nil
	}
	handle := o.handle
	o.handle = 0
	if err := flush(t, handle); err != nil && !errors.Is(err, tpm2.TPMRCHandle) {
		return err
	}
	return nil
}

// ensure loads the key again if its handle is free, or another object's. Do so
// before other objects are loaded, which might get the handle.
func (o *object) ensure(t transport.TPM) error {
	return o.with(t, func(key tpm2.AuthHandle) error {
		area, err := tpm2.ReadPublic{ObjectHandle: key.Handle}.Execute(t)
		if err != nil {
			return fmt.Errorf("reading a key: %w", err)
		}
		if !bytes.Equal(area.Name.Buffer, o.name.Buffer) {
			return errEvicted
		}
		return nil
	})
}

// with runs a command that uses the key, which stays loaded. If somebody evicted
// it, it is loaded again.
func (o *object) with(t transport.TPM, command func(tpm2.AuthHandle) error) error {
	if err := o.load(t); err != nil {
		return err
	}
	err := command(o.auth())
	if !evicted(err) {
		return err
	}
	o.handle = 0
	if err := o.load(t); err != nil {
		return err
	}
	return command(o.auth())
}

// auth is the key with its empty authorisation.
func (o *object) auth() tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: o.handle, Name: o.name, Auth: tpm2.PasswordAuth(nil)}
}

// evicted says whether a handle was not that of our object: TPM_RC_REFERENCE_Hx
// (TPM 2.0 Library, Part 2, section 6.6.3) or, in some TPMs, TPM_RC_HANDLE.
func evicted(err error) bool {
	return errors.Is(err, errEvicted) || errors.Is(err, tpm2.TPMRCHandle) || errors.Is(err, tpm2.TPMRCReferenceH0) || errors.Is(err, tpm2.TPMRCReferenceH1)
}

// stale says whether a saved context is of an earlier life of the TPM.
func stale(err error) bool {
	return errors.Is(err, tpm2.TPMRCIntegrity) || errors.Is(err, tpm2.TPMRCHandle) || errors.Is(err, tpm2.TPMRCHierarchy)
}

func flush(t transport.TPM, handle tpm2.TPMHandle) error {
	if _, err := (tpm2.FlushContext{FlushHandle: handle}).Execute(t); err != nil {
		return fmt.Errorf("flushing handle %#x: %w", uint32(handle), err)
	}
	return nil
}
