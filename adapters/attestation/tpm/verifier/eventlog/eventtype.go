package eventlog

// eventType is the type of an event (PC Client Platform Firmware Profile, section
// 10.4.1). No digest covers it.
type eventType uint32

const (
	evNoAction             eventType = 0x00000003
	evSeparator            eventType = 0x00000004
	evAction               eventType = 0x00000005
	evSCRTMVersion         eventType = 0x00000008
	evIPL                  eventType = 0x0000000d
	evNonhostInfo          eventType = 0x00000011
	evOmitBootDevice       eventType = 0x00000012
	evEFIVariableConfig    eventType = 0x80000001
	evEFIVariableBoot      eventType = 0x80000002
	evEFIBootApplication   eventType = 0x80000003
	evEFIBootDriver        eventType = 0x80000004
	evEFIRuntimeDriver     eventType = 0x80000005
	evEFIAction            eventType = 0x80000007
	evEFIVariableBoot2     eventType = 0x8000000c
	evEFIHCRTM             eventType = 0x80000010
	evEFIVariableAuthority eventType = 0x800000e0
)

// name returns the specification's name, empty for types that it does not have or
// that are not extended.
func (t eventType) name() string {
	bios, efi := biosNames(), efiNames()
	if t < eventType(len(bios)) {
		return bios[t]
	}
	if t > 0x80000000 && t <= 0x80000000+eventType(len(efi)) {
		return efi[t-0x80000001]
	}
	switch t {
	case evEFIHCRTM:
		return "EV_EFI_HCRTM_EVENT"
	case evEFIVariableAuthority:
		return "EV_EFI_VARIABLE_AUTHORITY"
	default:
		return ""
	}
}

// biosNames are the names of the types from 0.
func biosNames() []string {
	return []string{
		"EV_PREBOOT_CERT", "EV_POST_CODE", "", "", "EV_SEPARATOR", "EV_ACTION", "EV_EVENT_TAG",
		"EV_S_CRTM_CONTENTS", "EV_S_CRTM_VERSION", "EV_CPU_MICROCODE", "EV_PLATFORM_CONFIG_FLAGS",
		"EV_TABLE_OF_DEVICES", "EV_COMPACT_HASH", "EV_IPL", "EV_IPL_PARTITION_DATA", "EV_NONHOST_CODE",
		"EV_NONHOST_CONFIG", "EV_NONHOST_INFO", "EV_OMIT_BOOT_DEVICE_EVENTS",
	}
}

// efiNames are the names of the types from 0x80000001.
func efiNames() []string {
	return []string{
		"EV_EFI_VARIABLE_DRIVER_CONFIG", "EV_EFI_VARIABLE_BOOT", "EV_EFI_BOOT_SERVICES_APPLICATION",
		"EV_EFI_BOOT_SERVICES_DRIVER", "EV_EFI_RUNTIME_SERVICES_DRIVER", "EV_EFI_GPT_EVENT", "EV_EFI_ACTION",
		"EV_EFI_PLATFORM_FIRMWARE_BLOB", "EV_EFI_HANDOFF_TABLES", "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
		"EV_EFI_HANDOFF_TABLES2", "EV_EFI_VARIABLE_BOOT2",
	}
}

// hashesData says whether the digest of an event of the type must be of its data.
func (t eventType) hashesData() bool {
	switch t {
	case evSeparator, evAction, evSCRTMVersion, evNonhostInfo, evOmitBootDevice, evEFIVariableConfig, evEFIAction:
		return true
	default:
		return false
	}
}
