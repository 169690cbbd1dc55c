/**
 * Ends systemd-oomd and earlyoom, and masks them as the image has them: a unit with ManagedOOM…= would
 * bring systemd-oomd back. A shell line for root, for after a test that has unmasked them.
 */
export const endKillers = [
  'systemctl stop systemd-oomd.socket systemd-oomd.service earlyoom',
  'for unit in earlyoom.service systemd-oomd.service systemd-oomd.socket; do ' +
    'ln -sf /dev/null /etc/systemd/system/$unit; done',
  'rm -f /run/systemd/oomd.conf.d/fast.conf',
  'systemctl daemon-reload',
].join('; ');
