// What a dashboard of ours must be, by Grafana's own schema. The test puts each dashboard below as a literal, so that a field that Grafana does
// not know is an error, as is a value that it does not.
import type { Dashboard, DataQuery, FieldConfigSource, FieldConfig, Panel, RowPanel } from '@grafana/schema';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON has the values of enums, not their names.
type Plain<T> = T extends string ? `${T}` : T extends number ? (`${T}` extends `${infer N extends number}` ? N : T)
  : T extends boolean | null | undefined ? T : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

// The schema has no type for queries of Prometheus; these are the fields that its plugin reads.
interface Query extends DataQuery {
  expr: string;
  legendFormat: string;
  range: boolean;
  instant: boolean;
  editorMode: 'code' | 'builder';
}

type Config<Custom> = Omit<FieldConfigSource, 'defaults'> & { defaults: Omit<FieldConfig, 'custom'> & { custom?: Custom } };
type Known<Type extends string, Options, Custom> = Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
  type: Type;
  options: Options;
  fieldConfig: Config<Custom>;
  targets: Query[];
};
type Drawn = Known<'timeseries', timeseries.Options, timeseries.FieldConfig> | Known<'stat', Partial<stat.Options>, never>;
type Row = Omit<RowPanel, 'panels'> & { panels: Drawn[] };

export type Board = Plain<Omit<Dashboard, 'panels'> & { panels: (Drawn | Row)[] }>;
