/** The ready plans, bundled as data. */
import aiServices from './plans/ai-services.yaml';
import proofHost from './plans/proof-host.yaml';
import sharedHost from './plans/shared-host.yaml';
import workstation16g from './plans/workstation-16g.yaml';

/** As they stand in the files, but for numbers, which are numbers here. */
export const READY_PLANS: Readonly<Record<string, unknown>> = {
  'ai-services': aiServices,
  'proof-host': proofHost,
  'shared-host': sharedHost,
  'workstation-16g': workstation16g,
};
