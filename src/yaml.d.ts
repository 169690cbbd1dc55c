/** YAML files are bundled as data: see scripts/yaml-plugin.mjs. */
declare module '*.yaml' {
  const data: unknown;
  export default data;
}
