/**
 * What nvidia-smi prints, in the form that several drivers have. The forms (tags, their order, indentation,
 * what stands in the place of a value) are those of the outputs that influxdata/telegraf keeps in
 * plugins/inputs/nvidia_smi/testdata (drivers 470, 535 and 590), of netdata pull request 2759 (340) and of
 * lollipopkit/flutter_server_box issue 286 (a supported_clocks that is no XML). Figures, identifiers and
 * processes are made up, and what is not read is mostly left out.
 */

interface Process {
  pid: number;
  type?: string;
  name: string;
  memory: string;
  instance?: [gpu: number, compute: number];
}

const processInfo = ({ pid, type = 'C', name, memory, instance }: Process) => `\
\t\t\t<process_info>
\t\t\t\t<gpu_instance_id>${instance?.[0] ?? 'N/A'}</gpu_instance_id>
\t\t\t\t<compute_instance_id>${instance?.[1] ?? 'N/A'}</compute_instance_id>
\t\t\t\t<pid>${pid}</pid>
\t\t\t\t<type>${type}</type>
\t\t\t\t<process_name>${name}</process_name>
\t\t\t\t<used_memory>${memory}</used_memory>
\t\t\t</process_info>`;

const processList = (processes: Process[]) =>
  `\t\t<processes>\n${processes.map((each) => `${processInfo(each)}\n`).join('')}\t\t</processes>`;

/** Driver 470, one small GPU with a screen. */
export const DESKTOP_470 = `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v11.dtd">
<nvidia_smi_log>
\t<timestamp>Thu Sep 23 17:44:07 2021</timestamp>
\t<driver_version>470.74</driver_version>
\t<cuda_version>11.4</cuda_version>
\t<attached_gpus>1</attached_gpus>
\t<gpu id="00000000:2D:00.0">
\t\t<product_name>NVIDIA GeForce GT 1030</product_name>
\t\t<mig_mode>
\t\t\t<current_mig>N/A</current_mig>
\t\t\t<pending_mig>N/A</pending_mig>
\t\t</mig_mode>
\t\t<mig_devices>
\t\t\tNone
\t\t</mig_devices>
\t\t<uuid>GPU-11111111-2222-3333-4444-555555555555</uuid>
\t\t<fb_memory_usage>
\t\t\t<total>1998 MiB</total>
\t\t\t<used>875 MiB</used>
\t\t\t<free>1123 MiB</free>
\t\t</fb_memory_usage>
\t\t<bar1_memory_usage>
\t\t\t<total>256 MiB</total>
\t\t\t<used>6 MiB</used>
\t\t\t<free>250 MiB</free>
\t\t</bar1_memory_usage>
\t\t<utilization>
\t\t\t<gpu_util>7 %</gpu_util>
\t\t\t<memory_util>3 %</memory_util>
\t\t</utilization>
\t\t<temperature>
\t\t\t<gpu_temp>36 C</gpu_temp>
\t\t\t<gpu_temp_max_threshold>102 C</gpu_temp_max_threshold>
\t\t</temperature>
${processList([
  { pid: 1510, type: 'G', name: '/usr/lib/xorg/Xorg', memory: '420 MiB' },
  { pid: 2404, type: 'C+G', name: 'C:\\\\tools\\\\a.exe &amp; b', memory: '31 MiB' },
])}
\t\t<accounted_processes>
\t\t</accounted_processes>
\t</gpu>

</nvidia_smi_log>
`;

/** Driver 535, an A100 in four parts by MIG, two of them with work. */
export const MIG_535 = `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
\t<driver_version>535.54.03</driver_version>
\t<cuda_version>12.2</cuda_version>
\t<attached_gpus>1</attached_gpus>
\t<gpu id="00000000:01:00.0">
\t\t<product_name>NVIDIA A100-SXM4-80GB</product_name>
\t\t<persistence_mode>Disabled</persistence_mode>
\t\t<mig_mode>
\t\t\t<current_mig>Enabled</current_mig>
\t\t\t<pending_mig>Enabled</pending_mig>
\t\t</mig_mode>
\t\t<mig_devices>
${[
  [0, 3, 19000],
  [1, 4, 12],
]
  .map(
    ([index, instance, used]) => `\
\t\t\t<mig_device>
\t\t\t\t<index>${index}</index>
\t\t\t\t<gpu_instance_id>${instance}</gpu_instance_id>
\t\t\t\t<compute_instance_id>0</compute_instance_id>
\t\t\t\t<fb_memory_usage>
\t\t\t\t\t<total>19968 MiB</total>
\t\t\t\t\t<reserved>0 MiB</reserved>
\t\t\t\t\t<used>${used} MiB</used>
\t\t\t\t\t<free>955 MiB</free>
\t\t\t\t</fb_memory_usage>
\t\t\t</mig_device>`,
  )
  .join('\n')}
\t\t</mig_devices>
\t\t<uuid>GPU-aaaaaaaa-7d19-9063-b049-1e69664bb298</uuid>
\t\t<fb_memory_usage>
\t\t\t<total>81920 MiB</total>
\t\t\t<reserved>869 MiB</reserved>
\t\t\t<used>19050 MiB</used>
\t\t\t<free>62001 MiB</free>
\t\t</fb_memory_usage>
\t\t<utilization>
\t\t\t<gpu_util>N/A</gpu_util>
\t\t\t<memory_util>N/A</memory_util>
\t\t</utilization>
\t\t<temperature>
\t\t\t<gpu_temp>27 C</gpu_temp>
\t\t</temperature>
${processList([
  { pid: 700, name: 'python3', memory: '15000 MiB', instance: [3, 0] },
  { pid: 701, name: 'python3', memory: '[Insufficient Permissions]', instance: [3, 0] },
  { pid: 702, name: 'ollama', memory: '10 MiB', instance: [4, 0] },
])}
\t</gpu>
</nvidia_smi_log>
`;

const gpu590 = (id: string, uuid: string, used: number, processes: Process[]) => `\
\t<gpu id="${id}">
\t\t<product_name>NVIDIA GeForce RTX 2080</product_name>
\t\t<display_mode>Requested functionality has been deprecated</display_mode>
\t\t<persistence_mode>Enabled</persistence_mode>
\t\t<addressing_mode>HMM</addressing_mode>
\t\t<mig_devices>
\t\t\tNone
\t\t</mig_devices>
\t\t<uuid>${uuid}</uuid>
\t\t<fb_memory_usage>
\t\t\t<total>8192 MiB</total>
\t\t\t<reserved>406 MiB</reserved>
\t\t\t<used>${used} MiB</used>
\t\t\t<free>${8192 - 406 - used} MiB</free>
\t\t</fb_memory_usage>
\t\t<utilization>
\t\t\t<gpu_util>99 %</gpu_util>
\t\t</utilization>
\t\t<temperature>
\t\t\t<gpu_temp>15 C</gpu_temp>
\t\t\t<gpu_temp_tlimit>N/A</gpu_temp_tlimit>
\t\t</temperature>
\t\t<applications_clocks>
\t\t\t<graphics_clock>Requested functionality has been deprecated</graphics_clock>
\t\t\t<mem_clock>Requested functionality has been deprecated</mem_clock>
\t\t</applications_clocks>
\t\t<supported_clocks>
\t\t\t<supported_mem_clock>
\t\t\t\t5001 MHz
\t\t\t\t<supported_graphics_clock>2100 MHz</supported_graphics_clock>
\t\t\t</supported_mem_clock>
\t\t\t</supported_mem_clock>
\t\t</supported_clocks>
${processList(processes)}
\t\t<accounted_processes>
\t\t</accounted_processes>
\t\t<capabilities>
\t\t\t<egm>disabled</egm>
\t\t</capabilities>
\t</gpu>`;

export const FIRST = 'GPU-12345678-aaaa-bbbb-cccc-0123456789ab';
export const SECOND = 'GPU-12345678-aaaa-bbbb-cccc-ba9876543210';

/** Driver 590, two GPUs. */
export const dual590 = (
  first: Process[],
  second: Process[],
  used: readonly [number, number] = [7700, 1],
) =>
  `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">
<nvidia_smi_log>
\t<timestamp>Tue Dec 30 09:49:44 2025</timestamp>
\t<driver_version>590.44.01</driver_version>
\t<cuda_version>13.1</cuda_version>
\t<attached_gpus>2</attached_gpus>
${gpu590('00000000:01:00.0', FIRST, used[0], first)}

${gpu590('00000000:02:00.0', SECOND, used[1], second)}

</nvidia_smi_log>
`;

/** Driver 340: no type of processes, memory in MB, and hardly a value. */
export const OLD_340 = `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v6.dtd">
<nvidia_smi_log>
\t<timestamp>Mon Sep 18 22:10:18 2017</timestamp>
\t<driver_version>340.102</driver_version>
\t<attached_gpus>1</attached_gpus>
\t<gpu id="0000:01:00.0">
\t\t<product_name>GeForce 8800 GT</product_name>
\t\t<uuid>GPU-da613ba8-0000-76b9-2c57-d36a5905478a</uuid>
\t\t<fb_memory_usage>
\t\t\t<total>511 MiB</total>
\t\t\t<used>N/A</used>
\t\t\t<free>N/A</free>
\t\t</fb_memory_usage>
\t\t<utilization>
\t\t\t<gpu_util>N/A</gpu_util>
\t\t</utilization>
\t\t<temperature>
\t\t\t<gpu_temp>N/A</gpu_temp>
\t\t</temperature>
\t\t<processes>N/A</processes>
\t</gpu>
</nvidia_smi_log>
`;

/** What it says instead, and with which status (nvidia-smi(1), RETURN VALUE). */
export const FAILURES = {
  mismatch: {
    status: 18,
    out: 'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.183\n',
  },
  noDriver: {
    status: 9,
    out: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n\n",
  },
  noDevice: { status: 6, out: 'No devices were found\n' },
  lost: {
    status: 15,
    out: 'Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU\n',
  },
} as const;
